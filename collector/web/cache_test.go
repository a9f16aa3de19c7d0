package web

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestShelf has a hundred who ask for the same at once, one that gives up, and
// one who asks when it is old.
func TestShelf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s cache[int]
		made := 0
		build := func(ctx context.Context) int {
			time.Sleep(2 * time.Second)
			if ctx.Err() != nil {
				t.Error("it was given up with who asked first")
			}
			made++
			return made
		}
		first, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if v, ok := s.get(first, "a", build); v != 1 || !ok {
				t.Errorf("the first got %d, %v", v, ok)
			}
		})
		synctest.Wait()
		for range 100 {
			wg.Go(func() {
				if v, ok := s.get(t.Context(), "a", build); v != 1 || !ok {
					t.Errorf("got %d, %v", v, ok)
				}
			})
		}
		gone, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wg.Go(func() {
			if _, ok := s.get(gone, "a", build); ok {
				t.Error("one who had gone got it")
			}
		})
		synctest.Wait()
		leave()
		wg.Wait()
		if v, _ := s.get(t.Context(), "a", build); v != 1 || made != 1 {
			t.Errorf("got %d; it was made %d times", v, made)
		}
		time.Sleep(19 * time.Second) // ten times what it took is not over
		if v, _ := s.get(t.Context(), "a", build); v != 1 {
			t.Error("it was not kept for as long as it was worth")
		}
		time.Sleep(2 * time.Second)
		if v, _ := s.get(t.Context(), "a", build); v != 2 {
			t.Errorf("got %d when it was old", v)
		}
	})
}

// TestShelfBounds fills the cache, and has something that cannot be made.
func TestShelfBounds(t *testing.T) {
	var s cache[int]
	for i := range 10 * shelfRoom {
		s.get(t.Context(), strconv.Itoa(i), func(context.Context) int { return i })
	}
	if len(s.kept) > shelfRoom {
		t.Errorf("%d are kept", len(s.kept))
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was lost")
			}
		}()
		s.get(t.Context(), "x", func(context.Context) int { panic("no") })
	}()
	if v, ok := s.get(t.Context(), "x", func(context.Context) int { return 7 }); v != 7 || !ok {
		t.Errorf("after a panic: %d, %v", v, ok)
	}
}
