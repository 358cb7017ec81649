package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
	"github.com/netplan-overlay/netplan-overlay/internal/model"
	"github.com/netplan-overlay/netplan-overlay/internal/reconcile"
	"github.com/netplan-overlay/netplan-overlay/internal/spec"
)

// common are the flags that most commands share.
type common struct {
	ui       *ui
	files    []string
	node     string
	netnsDir string
	runDir   string
	sessions []model.Session // by which the program was started; nil where it looks into no host
	peers    addresses       // from which the host is managed, too

	needs kernel.Confinement    // what the command can do
	ahead *reconcile.Ahead      // nil: the host is looked at when it is known what matters of it
	whole func(*spec.Node) bool // of which nodes all is read; nil: of each
}

const rootHelp = `netplan-overlay joins the container networks of many Linux hosts.

One topology file names the hosts (nodes), their bridges and network namespaces,
and the backend between them (host-gw, ipip, vxlan). On each host the tool reads
the kernel, computes the difference to the file, and applies only that. There is
no control plane: each host derives every VTEP MAC, route, neighbour and FDB
entry from the file alone.

  netplan-overlay lab test -f topology.yaml     try a topology on this machine
  netplan-overlay plan -f topology.yaml         what would change on this host
  netplan-overlay apply -f topology.yaml        change it

Every flag can also be given in the environment: --log-level as
NETPLAN_OVERLAY_LOG_LEVEL, and so on; several files are separated by ":".`

// command is one of the program, by the word that it is called by.
type command struct {
	name string
	make func(*common) *cobra.Command
}

func commands() []command {
	return []command{
		{"init", newInit}, {"schema", newSchema}, {"explain", newExplain}, {"graph", newGraph},
		{"validate", newValidate}, {"nodes", newNodes}, {"render", newRender}, {"plan", newPlan}, {"apply", newApply},
		{"watch", newWatch}, {"status", newStatus}, {"confirm", newConfirm}, {"destroy", newDestroy},
		{"observe", newObserve}, {"export", newExport}, {"lab", newLab}, {"verify", newVerify}, {"version", newVersion},
		{guardCommand, newGuard}, {manCommand, newMan},
	}
}

// newRoot returns the program with all commands.
func newRoot(c *common) *cobra.Command {
	root := newBareRoot(c)
	for _, cmd := range commands() {
		root.AddCommand(cmd.make(c))
	}
	return root
}

// newRootFor returns what the arguments need of the program: the command that they begin
// with. To make all of them takes more time than most commands do. Where the arguments
// begin with anything else, as those of help and completion, or with what tells of the
// others, it is newRoot.
func newRootFor(c *common, args []string) *cobra.Command {
	for _, cmd := range commands() {
		if len(args) > 0 && args[0] == cmd.name && cmd.name != manCommand {
			root := newBareRoot(c)
			root.AddCommand(cmd.make(c))
			return root
		}
	}
	return newRoot(c)
}

// newBareRoot returns the program without any command.
func newBareRoot(c *common) *cobra.Command {
	u := c.ui
	root := &cobra.Command{
		Use:           "netplan-overlay",
		Short:         "Overlay networks from one reviewed file, without a control plane",
		Long:          rootHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	flags := root.PersistentFlags()
	flags.StringArrayVarP(&c.files, "file", "f", nil, "topology file or directory, - for stdin; repeatable, merged (default ./topology.yaml, then /etc/netplan-overlay/)")
	flags.StringVar(&c.node, "node", "", "which node this host is (default: the one that has one of its addresses, then its hostname)")
	flags.StringVar(&u.colour, "color", "auto", "auto, always or never")
	flags.StringVar(&u.level, "log-level", "warn", "error, warn, info or debug: what is told on stderr beside errors")
	flags.StringVar(&c.netnsDir, "netns-dir", kernel.DefaultNetnsDir, "where named network namespaces are; another one for each host simulated on one machine")
	flags.StringVar(&c.runDir, "run-dir", reconcile.DefaultRunDir, "where locks lie, and what sysctls were before")
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return c.prepare(cmd) }
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
	})
	_ = root.RegisterFlagCompletionFunc("node", c.completeNode) // the flag is there
	return root
}

// prepare takes flags that were not given from the environment, and checks the
// common ones.
func (c *common) prepare(cmd *cobra.Command) error {
	var err error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if e := fromEnvironment(f); e != nil && err == nil {
			err = e
		}
	})
	if err != nil {
		return err
	}
	if !slices.Contains([]string{"auto", "always", "never"}, c.ui.colour) {
		return fmt.Errorf("--color %q: it is auto, always or never", c.ui.colour)
	}
	if !slices.Contains([]string{"error", "warn", "info", "debug"}, c.ui.level) {
		return fmt.Errorf("--log-level %q: it is error, warn, info or debug", c.ui.level)
	}
	return nil
}

func fromEnvironment(f *pflag.Flag) error {
	name := "NETPLAN_OVERLAY_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
	v, ok := os.LookupEnv(name)
	if !ok || f.Changed || v == "" || f.Name == "help" {
		return nil
	}
	values := []string{v}
	if f.Name == "file" {
		values = filepath.SplitList(v)
	}
	for _, v := range values {
		if err := f.Value.Set(v); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	f.Changed = true
	return nil
}

// paths returns the topology's files: those that were named, or the usual places.
func (c *common) paths() ([]string, error) {
	if len(c.files) > 0 {
		return c.files, nil
	}
	const here, etc = "topology.yaml", "/etc/netplan-overlay/"
	for _, p := range []string{here, etc} {
		if _, err := os.Stat(p); err == nil {
			return []string{p}, nil
		}
	}
	return nil, fmt.Errorf("no topology: neither ./%s nor %s is there; name one with -f FILE", here, etc)
}

// openAbsent is open, but that the topology may lack the node, or have no nodes at all.
func (c *common) openAbsent(ctx context.Context) (*reconcile.Reconciler, error) {
	t, err := c.loadBy(c.loader(spec.Options{MayBeEmpty: true}))
	if err != nil {
		return nil, err
	}
	c.tellUnfinished()
	return reconcile.NewAbsent(ctx, t, c.node, c.place())
}

// openUnless is openAbsent where that is allowed, else open.
func (c *common) openUnless(ctx context.Context, allowEmpty bool) (*reconcile.Reconciler, error) {
	if allowEmpty {
		return c.openAbsent(ctx)
	}
	return c.open(ctx)
}

// load reads the topology and tells all errors in it. Of warnings it only says that
// there are some: whoever runs a pipeline has read them in review.
func (c *common) load() (*spec.Topology, error) { return c.loadBy(spec.Load) }

func (c *common) loadBy(load loader) (*spec.Topology, error) {
	t, problems, err := c.readBy(load)
	warnings := 0
	for _, p := range problems {
		if p.Warning {
			warnings++
			continue
		}
		fmt.Fprintln(c.ui.err, p)
	}
	if err == nil && warnings > 0 {
		c.ui.log().Info("the topology has warnings; validate tells them", "warnings", warnings)
	}
	return t, err
}

func (c *common) read() (*spec.Topology, []spec.Problem, error) { return c.readBy(spec.Load) }

// loader is spec.Load or one like it.
type loader func(paths []string, stdin io.Reader) (*spec.Topology, []spec.Problem, error)

// loader returns spec.LoadWith with the options.
func (c *common) loader(o spec.Options) loader {
	o.Whole = c.whole
	return func(paths []string, stdin io.Reader) (*spec.Topology, []spec.Problem, error) {
		return spec.LoadWith(paths, stdin, o)
	}
}

func (c *common) readBy(load loader) (*spec.Topology, []spec.Problem, error) {
	paths, err := c.paths()
	if err != nil {
		return nil, nil, err
	}
	t, problems, err := load(paths, c.ui.in)
	c.ahead.Settle()
	if giveUp := c.filesRead(); giveUp != nil {
		return nil, nil, giveUp
	}
	return t, problems, err
}

func (c *common) place() reconcile.Place {
	return reconcile.Place{NetnsDir: c.netnsDir, RunDir: c.runDir, Sessions: c.managed(), Trace: c.trace, OnWrite: c.ui.onWrite, Ahead: c.ahead}
}

// trace tells each step at the level debug.
func (c *common) trace(s model.Step, err error) {
	if err == nil && c.ui.debugs() {
		c.ui.log().Debug("step done", "step", s.Op.String()+" "+s.Key().String())
	}
	if c.ui.onStep != nil {
		c.ui.onStep()
	}
}

// open loads the topology and opens this host as one of its nodes.
func (c *common) open(ctx context.Context) (*reconcile.Reconciler, error) {
	t, err := c.loadBy(c.loader(spec.Options{}))
	if err != nil {
		return nil, err
	}
	c.tellUnfinished()
	return reconcile.New(ctx, t, c.node, c.place())
}

// completeNode offers the topology's nodes to the shell.
func (c *common) completeNode(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	t, _, err := c.read()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, n := range t.Nodes {
		names = append(names, n.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// format adds the flag --format to a command.
func format(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "format", "text", "text or json")
}

func checkFormat(f string) error {
	if f != "text" && f != "json" {
		return fmt.Errorf("--format %q: it is text or json", f)
	}
	return nil
}
