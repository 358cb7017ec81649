package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// machine is what was measured on.
type machine struct {
	Date       string `json:"date"`
	Kernel     string `json:"kernel"`
	Processor  string `json:"processor"`
	Processors int    `json:"processors"`
	Load       string `json:"load"` // the average before it
	Program    string `json:"program"`
	Iproute2   string `json:"iproute2"`
	CC         string `json:"cc"`
}

func thisMachine(bin string) machine {
	return machine{
		Date: time.Now().UTC().Format(time.DateOnly), Kernel: "Linux " + firstWord("/proc/sys/kernel/osrelease"),
		Processor: processor(), Processors: runtime.NumCPU(), Load: firstWord("/proc/loadavg"),
		Program: said(filepath.Join(bin, "netplan-overlay"), "version"), Iproute2: said("ip", "-V"), CC: said("cc", "--version"),
	}
}

// said is the first line that a command prints, or "".
func said(name string, args ...string) string {
	b, _ := exec.Command(name, args...).Output()
	line, _, _ := strings.Cut(string(b), "\n")
	return line
}

func firstWord(path string) string {
	b, _ := os.ReadFile(path)
	word, _, _ := strings.Cut(strings.TrimSpace(string(b)), " ")
	return word
}

func processor() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for l := range strings.Lines(string(b)) {
		if name, value, _ := strings.Cut(l, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
