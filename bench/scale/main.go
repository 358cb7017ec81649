// Command scale measures how long the program takes on large hosts, beside what the kernel
// itself takes for the same messages, and beside other ways to the same end. The README
// above it tells how.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := act(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

// act does what the first argument says.
func act(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("usage: scale measure|page [flags]")
	}
	switch name, args := args[0], args[1:]; name {
	case "measure":
		return measureCommand(ctx, args)
	case "page":
		return pageCommand(args)
	case "rooms":
		return roomsCommand(ctx, args)
	}
	return fmt.Errorf("there is no %q", args[0])
}

// options say what is measured.
type options struct {
	bin   string // the directory of the program, the floor, and so on
	out   string // the file of the results
	only  string // parts with this in their names
	quick bool
	sizes []int
}

func measureCommand(ctx context.Context, args []string) error {
	var o options
	set := flag.NewFlagSet("measure", flag.ContinueOnError)
	set.StringVar(&o.bin, "bin", ".cache", "where the programs are")
	set.StringVar(&o.out, "out", ".cache/scale.json", "write the results into this file")
	set.StringVar(&o.only, "only", "", "only parts with this in their names: vxlan, host-gw, ipip, foreign, namespaces, peers")
	set.BoolVar(&o.quick, "quick", false, "1,000 peers alone, few runs")
	sizes := set.String("sizes", "", "only these numbers of peers, separated by commas")
	if err := set.Parse(args); err != nil {
		return err
	}
	for s := range strings.SplitSeq(*sizes, ",") {
		if s == "" {
			continue
		}
		n, err := strconv.Atoi(s)
		if err != nil {
			return err
		}
		o.sizes = append(o.sizes, n)
	}
	return measure(ctx, o)
}

func pageCommand(args []string) error {
	set := flag.NewFlagSet("page", flag.ContinueOnError)
	page := set.String("page", "docs/benchmarks.md", "write the page into this file")
	plot := set.String("plot", "docs/benchmarks.svg", "and the plot into this one, beside it")
	if err := set.Parse(args); err != nil {
		return err
	}
	var list []*results
	for _, path := range set.Args() {
		r, err := readResults(path)
		if err != nil {
			return err
		}
		list = append(list, r)
	}
	if len(list) == 0 {
		return errors.New("page: which results?")
	}
	return writePage(list, *page, *plot)
}
