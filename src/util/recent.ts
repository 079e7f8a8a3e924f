/** Puts an entry at the end of a map, which forgets the one that was put longest ago where there are too many. */
export function putRecent<K, V>(map: Map<K, V>, key: K, value: V, most: number): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > most) map.delete(oldest);
}
