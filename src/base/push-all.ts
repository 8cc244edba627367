// Adds items behind those of a list, however many they are: `list.push(...items)` hands each item
// over as an argument on the stack, which overflows at some hundred thousand.

export function pushAll<T>(list: T[], items: Iterable<T>): void {
  for (const item of items) list.push(item);
}
