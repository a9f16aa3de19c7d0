package message

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestTime writes moments; the bubble's clock begins at midnight UTC of 1
// January 2000.
func TestTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokyo, utc := New(Options{Zone: zone(t, "Asia/Tokyo")}), New(Options{Zone: time.UTC})
		newYork := New(Options{Zone: zone(t, "America/New_York")})
		time.Sleep(26 * time.Hour)
		now, july := time.Now(), time.Date(2000, 7, 21, 3, 12, 5, 999, time.UTC)
		for _, c := range []struct{ got, want string }{
			{utc.Words(English).Time(july), "21 Jul 03:12:05 UTC"},
			{utc.Words(Japanese).Time(july), "7月21日 03:12:05 UTC"},
			{tokyo.Words(English).Time(july), "21 Jul 12:12:05 JST"},
			{tokyo.Words(Japanese).Time(july), "7月21日 12:12:05 JST"},
			{newYork.Words(English).Time(july), "20 Jul 23:12:05 EDT"},
			{newYork.Words(English).Time(now), "1 Jan 21:00:00 EST"},
			// Midnight is in another year in New York.
			{newYork.Words(English).Time(now.Add(-26 * time.Hour)), "31 Dec 1999 19:00:00 EST"},
			{tokyo.Words(Japanese).Time(now.Add(-48 * time.Hour)), "1999年12月31日 11:00:00 JST"},
			{tokyo.Words(English).Time(time.Time{}), "not known"},
			{tokyo.Words(Japanese).Time(time.Unix(0, 0)), "不明"},
			{tokyo.Words(English).Clock(july), "12:12:05"},
			{utc.Words(Japanese).Clock(july), "03:12:05"},
			{tokyo.Words(English).since(now.Add(-time.Hour)), "10:00:00 JST"},
			{tokyo.Words(Japanese).since(now.Add(-time.Hour)), "10:00:00 JST"},
			{tokyo.Words(English).since(now.Add(-20 * time.Hour)), "1 Jan 15:00:00 JST"},
			{tokyo.Words(English).since(now.Add(time.Hour)), "2 Jan 12:00:00 JST"},
		} {
			if c.got != c.want {
				t.Errorf("got %q, want %q", c.got, c.want)
			}
		}
	})
}

func TestFor(t *testing.T) {
	w := New(Options{})
	for _, c := range []struct {
		d      time.Duration
		en, ja string
	}{
		{0, "0 s", "0秒"},
		{-time.Hour, "0 s", "0秒"},
		{time.Millisecond, "less than 1 s", "1秒未満"},
		{59*time.Second + 999*time.Millisecond, "59 s", "59秒"},
		{time.Minute, "1 min", "1分"},
		{61 * time.Second, "1 min 1 s", "1分1秒"},
		{time.Hour + 5*time.Second, "1 h", "1時間"},
		{2*time.Hour + 5*time.Minute + 7*time.Second, "2 h 5 min", "2時間5分"},
		{24*time.Hour - 1, "23 h 59 min", "23時間59分"},
		{24 * time.Hour, "1 d", "1日"},
		{1500*24*time.Hour + 3*time.Hour, "1,500 d 3 h", "1,500日3時間"},
	} {
		if got := w.Words(English).For(c.d); got != c.en {
			t.Errorf("%v is %q, want %q", c.d, got, c.en)
		}
		if got := w.Words(Japanese).For(c.d); got != c.ja {
			t.Errorf("%v is %q, want %q", c.d, got, c.ja)
		}
	}
}
