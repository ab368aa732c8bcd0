import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Names of the GPUs of this machine; those that a program only draws (virtual displays, rasterisers) are none. */
export function graphics(): string[] {
  if (process.platform === "darwin") return [process.arch === "arm64" ? "Apple GPU" : "Metal GPU"];
  if (process.platform === "win32") return ["Direct3D 12 GPU"];
  const found = [...nvidia(), ...rendering()];
  return found.length === 0 && existsSync("/dev/dxg") ? ["GPU of the Windows host"] : [...new Set(found)];
}

function nvidia(folder = "/proc/driver/nvidia/gpus"): string[] {
  return entries(folder).flatMap((gpu) => {
    const model = /^Model:\s*(.+)$/m.exec(text(`${folder}/${gpu}/information`))?.[1];
    return model === undefined ? [] : [model.trim()];
  });
}

const vendors: Readonly<Record<string, string>> = { "0x1002": "AMD", "0x8086": "Intel" };

function rendering(folder = "/sys/class/drm"): string[] {
  return entries(folder).flatMap((node) => {
    if (!node.startsWith("renderD") || !existsSync(`/dev/dri/${node}`)) return [];
    const vendor = vendors[text(`${folder}/${node}/device/vendor`)];
    return vendor === undefined ? [] : [`${vendor} GPU ${text(`${folder}/${node}/device/device`)}`];
  });
}

function entries(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).toSorted() : [];
}

function text(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8").trim() : "";
}
