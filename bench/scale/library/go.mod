module github.com/netplan-overlay/netplan-overlay/bench/scale/library

go 1.26.0

require (
	github.com/vishvananda/netlink v1.3.1
	gopkg.in/yaml.v3 v3.0.1
)

require (
	github.com/vishvananda/netns v0.0.5 // indirect
	golang.org/x/sys v0.10.0 // indirect
)
