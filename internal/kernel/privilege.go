package kernel

// MissingCapabilities returns the names of the capabilities that changing a host
// needs and this process does not have (capabilities(7)): CAP_NET_ADMIN for links,
// addresses and routes, CAP_SYS_ADMIN for network namespaces. Where the kernel doesn't
// tell, its own refusals will have to do.
func MissingCapabilities() []string {
	have, err := ownCapabilities()
	if err != nil {
		return nil
	}
	var l []string
	if have.effective&CapNetAdmin == 0 {
		l = append(l, "CAP_NET_ADMIN")
	}
	if have.effective&CapSysAdmin == 0 {
		l = append(l, "CAP_SYS_ADMIN")
	}
	return l
}
