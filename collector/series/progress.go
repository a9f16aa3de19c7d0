package series

import (
	"context"
	"sync"
)

// progress is how far the view is, for those who wait.
type progress struct {
	mu      sync.Mutex    // guards what follows
	applied uint64        // the view has everything up to this entry
	moved   chan struct{} // closed when applied changes; nil while nobody waits
}

func (p *progress) set(index uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.applied = index
	if p.moved != nil {
		close(p.moved)
		p.moved = nil
	}
}

func (p *progress) get() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.applied
}

func (p *progress) wait(ctx context.Context, index uint64) error {
	for {
		p.mu.Lock()
		if p.applied >= index {
			p.mu.Unlock()
			return nil
		}
		if p.moved == nil {
			p.moved = make(chan struct{})
		}
		moved := p.moved
		p.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
