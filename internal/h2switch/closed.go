package h2switch

// closedStreams remembers how the streams ended that ended last: what the host
// sends on them is a fault if it has ended them, and was on its way if we have.
type closedStreams struct {
	ids  [256]uint32
	how  [256]ending
	next int
}

// ending is how a stream has ended.
type ending int

const (
	endUnknown ending = iota
	endByHost         // the host has ended or reset its side
	endByUs           // we have reset it
)

func (c *closedStreams) note(id uint32, how ending) {
	c.ids[c.next], c.how[c.next] = id, how
	c.next = (c.next + 1) % len(c.ids)
}

func (c *closedStreams) find(id uint32) ending {
	for i, known := range c.ids {
		if known == id {
			return c.how[i]
		}
	}
	return endUnknown
}
