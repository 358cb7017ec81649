//go:build !amd64

package kernel

// dropAtOnce can't; see that of amd64.
func dropAtOnce(Capabilities) (done bool, err error) { return false, nil }
