// Package spec reads topology files: from YAML text to a validated topology in
// which every value is filled in that follows from the file alone. It performs no
// I/O but reading the files that it is asked to load.
//
// All that is wrong is told at once, each problem with its place. The way of a file
// is: text, tree (yaml.go), tree of all files (merge.go), raw values with their
// places (decode*.go), derived values (derive*.go), checks (check*.go), topology.
package spec
