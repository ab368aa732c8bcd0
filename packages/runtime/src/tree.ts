/** Nested objects and arrays with leaves of type `T`: what functions of tensors take and return, as in JAX. */
export type Tree<T> = T | readonly Tree<T>[] | { readonly [key: string]: Tree<T> };

/**
 * The leaves of a tree, each with its path (`layers.0.weight`), in a fixed order: keys sorted, lists as they are.
 *
 * @throws TypeError `PATH: …` for what is neither a leaf nor a tree
 */
export function leaves<T>(tree: Tree<T>, isLeaf: (node: unknown) => node is T): [path: string, leaf: T][] {
  const found: [string, T][] = [];
  const visit = (node: Tree<T>, path: string): void => {
    if (isLeaf(node)) {
      found.push([path, node]);
      return;
    }
    expectNode(node, path);
    for (const [key, child] of entries(node as Node<T>)) visit(child, path === "" ? key : `${path}.${key}`);
  };
  visit(tree, "");
  return found;
}

/**
 * The same tree with every leaf replaced by `change(leaf, path)`, called in the order of `leaves`.
 *
 * @throws what `leaves` throws
 */
export function mapTree<T, U>(
  tree: Tree<T>,
  isLeaf: (node: unknown) => node is T,
  change: (leaf: T, path: string) => U,
): Tree<U> {
  const visit = (node: Tree<T>, path: string): Tree<U> => {
    if (isLeaf(node)) return change(node, path);
    expectNode(node, path);
    const children = entries(node as Node<T>).map(
      ([key, child]) => [key, visit(child, path === "" ? key : `${path}.${key}`)] as const,
    );
    return Array.isArray(node) ? children.map(([, child]) => child) : Object.fromEntries(children);
  };
  return visit(tree, "");
}

type Node<T> = readonly Tree<T>[] | { readonly [key: string]: Tree<T> };

// Absent optional entries (`undefined`) are no leaves.
function entries<T>(node: Node<T>): [string, Tree<T>][] {
  if (Array.isArray(node)) return node.map((child, index) => [String(index), child as Tree<T>]);
  return Object.entries(node as { [key: string]: Tree<T> })
    .filter(([, child]) => child !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

function expectNode(node: unknown, path: string): void {
  if (typeof node === "object" && node !== null) return;
  throw new TypeError(`${path || "value"}: expected a tensor, got ${String(node)}`);
}
