package process

// guardian does nothing here: the job object ends the child's descendants.
type guardian struct{}

func newGuardian(Config) *guardian { return nil }

func (g *guardian) watch(int)   {}
func (g *guardian) forget(bool) {}
func (g *guardian) dismiss()    {}
func (g *guardian) discard()    {}
