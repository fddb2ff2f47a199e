package h2switch

// chunkSize is the capacity of the chunks that DATA waits in.
const chunkSize = maxFrame

// chunkStore keeps chunks for the next use.
type chunkStore struct{ free [][]byte }

func (c *chunkStore) get(size int) []byte {
	if size <= chunkSize/8 { // a small message needs no whole chunk
		return make([]byte, 0, max(size, 256))
	}
	if n := len(c.free); n > 0 {
		chunk := c.free[n-1]
		c.free = c.free[:n-1]
		return chunk
	}
	return make([]byte, 0, chunkSize)
}

func (c *chunkStore) put(chunk []byte) {
	if cap(chunk) == chunkSize && len(c.free) < 64 {
		c.free = append(c.free, chunk[:0])
	}
}

// queue is DATA that cannot be passed on yet.
type queue struct {
	size   int64
	chunks [][]byte
	read   int // of the first chunk
}

func (q *queue) add(store *chunkStore, data []byte) {
	q.size += int64(len(data))
	for len(data) > 0 {
		last := len(q.chunks) - 1
		if last < 0 || len(q.chunks[last]) == cap(q.chunks[last]) {
			q.chunks = append(q.chunks, store.get(len(data)))
			last++
		}
		chunk := q.chunks[last]
		n := min(len(data), cap(chunk)-len(chunk))
		q.chunks[last] = append(chunk, data[:n]...)
		data = data[n:]
	}
}

// front returns up to n bytes, until the next discard.
func (q *queue) front(n int64) []byte {
	chunk := q.chunks[0][q.read:]
	return chunk[:min(int64(len(chunk)), n)]
}

func (q *queue) discard(store *chunkStore, n int) {
	q.size -= int64(n)
	q.read += n
	if q.read < len(q.chunks[0]) {
		return
	}
	store.put(q.chunks[0])
	q.chunks[0] = nil
	q.chunks, q.read = q.chunks[1:], 0
	if len(q.chunks) == 0 {
		q.chunks = nil
	}
}

func (q *queue) clear(store *chunkStore) {
	for _, chunk := range q.chunks {
		store.put(chunk)
	}
	*q = queue{}
}

// ring is what waits for a turn to be written, in order.
type ring struct {
	list []*direction
	head int
}

func (r *ring) empty() bool { return r.head == len(r.list) }

func (r *ring) push(d *direction) { r.list = append(r.list, d) }

func (r *ring) pop() *direction {
	if r.empty() {
		return nil
	}
	d := r.list[r.head]
	r.list[r.head] = nil
	r.head++
	switch {
	case r.empty():
		r.list, r.head = r.list[:0], 0
	case r.head > 64 && r.head > len(r.list)/2:
		n := copy(r.list, r.list[r.head:])
		clear(r.list[n:])
		r.list, r.head = r.list[:n], 0
	}
	return d
}
