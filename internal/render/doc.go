// Package render turns plans, states and probe results into text for people and
// JSON for programs. It decides nothing: it prints what it is given, in the order
// that it is given, and writes to nothing but the io.Writer of its caller.
//
// Text never says by colour alone what it means: the symbols + ~ ± - = and the
// words are the same without. JSON depends on neither colour nor width, carries a
// format version, and keeps its order from run to run.
package render
