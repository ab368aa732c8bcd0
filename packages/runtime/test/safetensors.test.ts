import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { encodeSafetensors, ndarray, readSafetensors, toFloat32, toInt32, writeSafetensors } from "../src/index.ts";

const some = {
  "b.weight": ndarray(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]),
  a: ndarray(Int32Array.of(7), []),
  mask: ndarray(Uint8Array.of(1, 0, 1)),
};

describe("safetensors", () => {
  it("come back as they were written, with their metadata", async () => {
    const path = join(await mkdtemp(join(tmpdir(), "safetensors-")), "some.safetensors");
    await writeSafetensors(path, some, { format: "pt" });
    const { tensors, metadata } = await readSafetensors(path);
    expect(metadata).toEqual({ format: "pt" });
    expect(Object.keys(tensors)).toEqual(["a", "b.weight", "mask"]);
    expect(toFloat32(tensors["b.weight"]!)).toEqual(some["b.weight"]);
    expect(toInt32(tensors["a"]!)).toEqual(some.a);
    expect(tensors["mask"]).toEqual({ dtype: "BOOL", shape: [3], data: Uint8Array.of(1, 0, 1) });
  });

  it("widen half floats", () => {
    const half = { dtype: "F16", shape: [4], data: Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7c00) } as const;
    expect([...toFloat32(half).data]).toEqual([1, -2, 2 ** -24, Infinity]);
    const brain = { dtype: "BF16", shape: [2], data: Uint16Array.of(0x3f80, 0xc040) } as const;
    expect([...toFloat32(brain).data]).toEqual([1, -3]);
  });

  it("are refused by name when cut short, at every length", async () => {
    const bytes = encodeSafetensors(some);
    const path = join(await mkdtemp(join(tmpdir(), "safetensors-")), "cut.safetensors");
    for (let length = 0; length < bytes.length; length += 5) {
      await writeFile(path, bytes.subarray(0, length));
      await expect(readSafetensors(path)).rejects.toThrow(path);
    }
  });

  it("are refused when they are something else", async () => {
    await expect(readSafetensors(Buffer.from("PK\u0003\u0004 this is a zip file, or so it says"))).rejects.toThrow(
      "safetensors",
    );
    const text = Buffer.from(JSON.stringify({ x: { dtype: "F32", shape: [2], data_offsets: [0, 4] } }));
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(text.length));
    const wrong = Buffer.concat([size, text, Buffer.alloc(4)]);
    await expect(readSafetensors(wrong)).rejects.toThrow("x: expected 8 bytes for F32 [2], got 4");
  });

  it("take unaligned files", async () => {
    const bytes = encodeSafetensors(some);
    const shifted = Buffer.alloc(bytes.length + 1);
    bytes.copy(shifted, 1);
    expect((await readSafetensors(shifted.subarray(1))).tensors["a"]!.data[0]).toBe(7);
  });
});
