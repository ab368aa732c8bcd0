/**
 * Shows what several tasks say at once on a terminal: a line of progress for each that runs, in place, below what they and Nx
 * say beside it. Lines come as Nx streams them, `PROJECT: text`.
 */
export function liveLines(write: (text: string) => void, { columns = 100 }: { columns?: number } = {}) {
  const running = new Map<string, string>();
  let drawn = 0;
  let rest = "";
  const erase = () => (drawn === 0 ? "" : `\u001b[${drawn}A\u001b[J`);
  const draw = () => {
    const lines = [...running].map(([project, text]) => cut(`${project}  ${text}`, columns));
    drawn = lines.length;
    return lines.map((line) => `${line}\n`).join("");
  };
  return {
    output(chunk: string): void {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      let said = "";
      for (const line of lines) {
        const [, project, text, done, total] = progress.exec(line) ?? [];
        if (project === undefined) {
          const own = /^(\S+): /.exec(line)?.[1];
          // What a task says when it has ended, or starts something else, takes the place of its progress.
          if (own !== undefined && running.has(own) && /: error: /.test(line)) running.delete(own);
          said += `${line}\n`;
        } else if (done === total) running.delete(project);
        else running.set(project, text!);
      }
      write(`${erase()}${said}${draw()}`);
    },
    end(): void {
      running.clear();
      write(`${erase()}${rest}`);
      [drawn, rest] = [0, ""];
    },
  };
}

/** `demo/POINT: step 35/120  loss 157.3264  0:13 left`, in colours or not. */
// oxlint-disable-next-line no-control-regex
const progress = /^(?:\u001b\[[\d;]*m)*(\S+?):(?:\u001b\[[\d;]*m)* ((?:[a-z][a-z\d -]*) (\d+)\/(\d+).*)$/;

/** The end of a long name says more than its start. */
const cut = (line: string, columns: number): string =>
  line.length < columns ? line : `…${line.slice(line.length - columns + 2)}`;
