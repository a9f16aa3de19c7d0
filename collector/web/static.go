package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
)

//go:embed static
var staticFiles embed.FS

// An asset is a file that never changes under its name.
type asset struct {
	kind            string // MIME type
	plain, squeezed []byte
}

// kinds are the MIME types of assets by the end of their names.
var kinds = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// readAssets gives every file of the folder static a name that tells its
// content, so that browsers may keep it for good.
func (w *Web) readAssets() {
	w.assets, w.names = map[string]asset{}, map[string]string{}
	files, err := staticFiles.ReadDir("static")
	if err != nil {
		panic("web: " + err.Error()) // it is in this program
	}
	for _, f := range files {
		text, err := staticFiles.ReadFile("static/" + f.Name())
		if err != nil {
			panic("web: " + err.Error())
		}
		sum := sha256.Sum256(text)
		ext := path.Ext(f.Name())
		name := strings.TrimSuffix(f.Name(), ext) + "." + hex.EncodeToString(sum[:6]) + ext
		w.assets[name] = asset{kinds[ext], text, squeeze(text, gzip.BestCompression)}
		w.names[f.Name()] = "/static/" + name
	}
}

// static answers with an asset.
func (w *Web) static(rw http.ResponseWriter, r *http.Request) {
	a, ok := w.assets[r.PathValue("name")]
	if !ok {
		http.NotFound(rw, r) // of another version: the page will be fetched anew
		return
	}
	h := rw.Header()
	h.Set("Content-Type", a.kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	send(rw, r, http.StatusOK, a.plain, func() []byte { return a.squeezed })
}

// squeeze compresses with gzip.
func squeeze(text []byte, level int) []byte {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, level)
	if err == nil {
		_, err = z.Write(text)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		panic("web: " + err.Error()) // memory takes everything
	}
	return b.Bytes()
}

// send answers with a text, squeezed if the browser takes that.
func send(rw http.ResponseWriter, r *http.Request, status int, text []byte, squeezed func() []byte) {
	rw.Header().Add("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		rw.Header().Set("Content-Encoding", "gzip")
		text = squeezed()
	}
	rw.WriteHeader(status)
	if _, err := rw.Write(text); err != nil {
		return // the browser has gone
	}
}
