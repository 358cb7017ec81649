package main

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/netplan-overlay/netplan-overlay/internal/render"
)

// Every command has its page, with every flag that its help has.
func TestManual(t *testing.T) {
	hostOnly(t)
	root := newRoot(&common{ui: terminal()})
	pages, err := manual(root)
	if err != nil {
		t.Fatal(err)
	}
	text := map[string]string{}
	for _, m := range pages {
		var b bytes.Buffer
		if err := render.WriteManual(&b, m); err != nil {
			t.Fatal(err)
		}
		text[m.Name] = b.String()
	}
	var look func(cmd *cobra.Command)
	look = func(cmd *cobra.Command) {
		name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
		page := text[name]
		cmd.Flags().AddFlagSet(cmd.PersistentFlags())
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden && f.Name != "help" && !strings.Contains(page, `\-\-`+strings.ReplaceAll(f.Name, "-", `\-`)) {
				t.Errorf("the page of %s lacks --%s", name, f.Name)
			}
		})
		if page == "" {
			t.Errorf("%s has no page", name)
		}
		for _, sub := range cmd.Commands() {
			if !sub.Hidden && sub.Name() != "help" && sub.Name() != "completion" {
				look(sub)
			}
		}
	}
	look(root)
	if page := text["netplan-overlay.yaml"]; !strings.Contains(page, `\fBbackend.vni\fR`) {
		t.Errorf("the page of the topology lacks backend.vni:\n%s", page)
	}
	checkRoff(t, text)
}

// checkRoff lets groff look at pages, where it is there.
func checkRoff(t *testing.T, pages map[string]string) {
	t.Helper()
	if _, err := exec.LookPath("groff"); err != nil {
		return
	}
	for name, page := range pages {
		cmd := exec.Command("groff", "-man", "-Tutf8", "-ww")
		cmd.Stdin = strings.NewReader(page)
		var warnings bytes.Buffer
		cmd.Stderr = &warnings
		if err := cmd.Run(); err != nil || warnings.Len() > 0 {
			t.Errorf("groff on %s: %v\n%s", name, err, warnings.String())
		}
	}
}
