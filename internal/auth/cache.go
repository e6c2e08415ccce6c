package auth

// cache is a map that holds at most a number of entries. When half of that has been put
// into it, it drops what was not put again since the half before. It is not safe for
// concurrent use.
type cache[K comparable, V any] struct {
	most       int
	young, old map[K]V
}

func newCache[K comparable, V any](most int) cache[K, V] {
	return cache[K, V]{most: most, young: map[K]V{}}
}

func (c *cache[K, V]) get(k K) (V, bool) {
	v, ok := c.young[k]
	if !ok {
		v, ok = c.old[k]
	}
	return v, ok
}

func (c *cache[K, V]) put(k K, v V) {
	if len(c.young) >= c.most/2 {
		c.old, c.young = c.young, make(map[K]V, c.most/2)
	}
	c.young[k] = v
}

// remove removes the entries whose keys f selects.
func (c *cache[K, V]) remove(f func(K) bool) {
	for _, m := range []map[K]V{c.young, c.old} {
		for k := range m {
			if f(k) {
				delete(m, k)
			}
		}
	}
}
