/**
 * Bases before dependents. Nodes are given with the nodes they stand on; edges to unknown nodes do not count. Nodes of a
 * cycle come last, in the order given: the caller plans them all the same and says that they form a cycle.
 */
export function buildOrder(
  nodes: readonly { readonly id: string; readonly standsOn: readonly string[] }[],
): readonly string[] {
  const open = new Map(nodes.map((n) => [n.id, 0]));
  const dependents = new Map<string, string[]>();
  for (const node of nodes)
    for (const base of new Set(node.standsOn)) {
      if (!open.has(base) || base === node.id) continue;
      open.set(node.id, open.get(node.id)! + 1);
      const list = dependents.get(base);
      if (list) list.push(node.id);
      else dependents.set(base, [node.id]);
    }
  const order = nodes.filter((n) => open.get(n.id) === 0).map((n) => n.id);
  for (let i = 0; i < order.length; i++)
    for (const dependent of dependents.get(order[i]!) ?? []) {
      const left = open.get(dependent)! - 1;
      open.set(dependent, left);
      if (left === 0) order.push(dependent);
    }
  const placed = new Set(order);
  return [...order, ...nodes.filter((n) => !placed.has(n.id)).map((n) => n.id)];
}
