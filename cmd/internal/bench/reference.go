package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// serveReference serves the least that a durable event server can do: check
// that each line is JSON, append the body to a file, fdatasync, wake whoever
// watches if it is a single event, answer. It keeps no state, knows no rules and writes no chain.
func serveReference(ctx context.Context, addr, dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, "reference.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	r := &reference{file: f, news: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/events", r.post)
	mux.HandleFunc("GET /v1/gates", r.watch)
	mux.HandleFunc("GET /-/ready", func(http.ResponseWriter, *http.Request) {})
	s := &http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { exit(s.Close()) })
	defer stop()
	if err := s.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return f.Close()
}

type reference struct {
	mu    sync.Mutex // guards what follows
	file  *os.File
	epoch int
	news  chan struct{}
}

func (r *reference) post(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	for line := range bytes.Lines(body) {
		if !json.Valid(line) {
			http.Error(w, "not JSON", http.StatusBadRequest)
			return
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.file.Write(body); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if err := syscall.Fdatasync(int(r.file.Fd())); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if req.Header.Get("Content-Type") == oneEvent {
		r.epoch++
		close(r.news)
		r.news = make(chan struct{})
	}
	w.WriteHeader(http.StatusAccepted)
}

func (r *reference) watch(w http.ResponseWriter, req *http.Request) {
	seen, err := strconv.Atoi(req.URL.Query().Get("watch"))
	if err != nil {
		seen = -1
	}
	for {
		r.mu.Lock()
		epoch, news := r.epoch, r.news
		r.mu.Unlock()
		if epoch > seen {
			fmt.Fprintf(w, `{"epoch":%d}`, epoch)
			return
		}
		select {
		case <-news:
		case <-req.Context().Done():
			return
		}
	}
}
