package collector

import (
	"net/http"

	"github.com/tomeishi/tomeishi/collector/api"
	"github.com/tomeishi/tomeishi/collector/auth"
)

// openDoor makes what finds out who asks.
func (c *Collector) openDoor() (err error) {
	c.door, err = auth.New(auth.Options{
		Config: c.o.Config.Auth, Up: c.o.Up, Socket: c.o.Config.Socket, Folder: c.o.Config.Data,
		External: c.o.Config.ExternalURL, LoginPage: c.loginPage, Log: c.log.With("component", "auth"),
	})
	return err
}

// loginPage is written by the screen, which is made after the door.
func (c *Collector) loginPage(w http.ResponseWriter, r *http.Request, status int, problem string) {
	c.web.LoginPage(w, r, status, problem)
}

// actor says who decides, for the API, the screen and the silences.
func (c *Collector) actor(r *http.Request, right string) (string, error) {
	name, err := c.door.Actor(r, right)
	if err != nil {
		return "", api.Forbidden(err)
	}
	return name, nil
}
