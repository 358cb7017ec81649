// Package spec reads topology files: from YAML text to a validated topology in
// which every value is filled in that follows from the file alone. It performs no
// I/O but reading the files that it is asked to load.
//
// All that is wrong is told at once, each problem with its place. The way of a file
// is: text, tree (reader*.go, or else yaml.go), tree of all files (merge.go); and then,
// one node after the other (walk.go), raw values with their places (decode*.go), derived
// values (derive*.go), checks (check*.go), topology. What is compared between nodes is
// kept in lists until all are there. Of many nodes, several parts are read at the same time,
// and what was kept of them is joined in their order (walk_parts.go).
//
// A topology of 50,000 nodes has to be read often: nothing is allocated for a node but
// what stays in the topology, and nothing takes longer than sorting.
package spec
