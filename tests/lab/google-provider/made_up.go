package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// What Google would have computed, made up: the same every time, and to be seen as made up.
type maker struct {
	kind string
	self map[string]tftypes.Value
	at   *asked
}

func newMaker(kind string, whole tftypes.Value, at *asked) *maker {
	self := map[string]tftypes.Value{}
	if whole.IsKnown() && !whole.IsNull() {
		_ = whole.As(&self) // what is no object has no attributes
	}
	return &maker{kind, self, at}
}

// An attribute of the resource itself, where it is a text that is known.
func (m *maker) text(name string) string {
	value, there := m.self[name]
	var found string
	if there && value.IsKnown() && !value.IsNull() && value.Type().Is(tftypes.String) && value.As(&found) == nil {
		return found
	}
	return ""
}

// What tells this resource from others of its kind, as far as it is known.
func (m *maker) mark(of string) string {
	sum := sha256.New()
	fmt.Fprintln(sum, m.kind, of)
	for _, name := range sorted(m.self) {
		if text := m.text(name); text != "" {
			fmt.Fprintln(sum, name, text)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func (m *maker) project() string {
	if own := m.text("project"); own != "" {
		return own
	}
	return m.at.project
}

func (m *maker) name() string {
	for _, name := range []string{"name", "account_id", "project_id", "service", "secret_id"} {
		if own := m.text(name); own != "" {
			return own
		}
	}
	return m.mark("name")[:12]
}

// A value for the attribute that the path ends with.
func (m *maker) value(path *tftypes.AttributePath, kind tftypes.Type) tftypes.Value {
	name := ""
	for _, step := range path.Steps() {
		if own, is := step.(tftypes.AttributeName); is {
			name = string(own)
		}
	}
	switch {
	case kind.Is(tftypes.String):
		return tftypes.NewValue(kind, m.word(name, path.String()))
	case kind.Is(tftypes.Number):
		number := new(big.Int)
		number.SetString(m.mark(path.String())[:10], 16)
		return tftypes.NewValue(kind, new(big.Float).SetInt(number))
	case kind.Is(tftypes.Bool):
		return tftypes.NewValue(kind, false)
	case kind.Is(tftypes.Map{}):
		return tftypes.NewValue(kind, map[string]tftypes.Value{})
	case kind.Is(tftypes.Object{}):
		return tftypes.NewValue(kind, nil)
	default:
		return tftypes.NewValue(kind, []tftypes.Value{})
	}
}

func (m *maker) word(name, path string) string {
	email := fmt.Sprintf("%s@%s.iam.gserviceaccount.com", m.name(), m.project())
	switch name {
	case "id":
		return fmt.Sprintf("stand-in/projects/%s/%s/%s", m.project(), m.kind, m.name())
	case "self_link":
		return fmt.Sprintf("https://stand-in.invalid/projects/%s/%s/%s", m.project(), m.kind, m.name())
	case "project":
		return m.at.project
	case "region":
		return m.at.region
	case "location", "zone":
		if m.at.zone != "" {
			return m.at.zone
		}
		return m.at.region
	case "email":
		return email
	case "member":
		return "serviceAccount:" + email
	case "name":
		if strings.HasPrefix(m.kind, "google_service_account") {
			return fmt.Sprintf("projects/%s/serviceAccounts/%s", m.project(), email)
		}
		return m.name()
	case "url":
		return "gs://" + m.name()
	case "endpoint":
		// An address of the network that RFC 5737 keeps for examples, or a name that leads nowhere.
		if strings.Contains(path, "dns_endpoint_config") {
			return fmt.Sprintf("gke-%s.stand-in.invalid", m.mark(path)[:12])
		}
		return "192.0.2.10"
	}
	return "stand-in-" + m.mark(path)[:12]
}
