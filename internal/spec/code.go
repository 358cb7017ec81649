package spec

import "strings"

// Code names a kind of problem, for ever: "NPO103". The first digit tells what it is
// about: 0 the text, 1 its structure, 2 values, 3 names, 4 addresses and routes, 5 the
// backend and the underlay, 9 warnings.
type Code = string

// The codes. Those that were given away once are never given to anything else.
const (
	codeEmpty          Code = "NPO001"
	codeNotYAML        Code = "NPO002"
	codeTab            Code = "NPO003"
	codeNotUTF8        Code = "NPO004"
	codeTooLarge       Code = "NPO005"
	codeSecondDocument Code = "NPO006"
	codeTooDeep        Code = "NPO007"
	codeNotSupported   Code = "NPO008"

	codeWrongShape   Code = "NPO101"
	codeKeyTwice     Code = "NPO102"
	codeUnknownKey   Code = "NPO103"
	codeMissing      Code = "NPO104"
	codeNothingGiven Code = "NPO105"
	codeNoNodes      Code = "NPO106"

	codeNotNumber      Code = "NPO201"
	codeOutOfRange     Code = "NPO202"
	codeLeadingZero    Code = "NPO203"
	codeNotFlag        Code = "NPO204"
	codeNotWord        Code = "NPO205"
	codeNotMAC         Code = "NPO206"
	codeBadMAC         Code = "NPO207"
	codeNotAddress     Code = "NPO208"
	codeBadAddress     Code = "NPO209"
	codeNoLength       Code = "NPO210"
	codeWholeInternet  Code = "NPO211"
	codeNotDestination Code = "NPO212"
	codeMTUTooSmall    Code = "NPO213"
	codeBadSysctl      Code = "NPO214"
	codeNotDuration    Code = "NPO215"
	codeTimeoutTooLong Code = "NPO216"

	codeBadName      Code = "NPO301"
	codeBadLinkName  Code = "NPO302"
	codeBadNetnsName Code = "NPO303"
	codeNameTaken    Code = "NPO304"
	codeMACTaken     Code = "NPO305"
	codeNoInterface  Code = "NPO306"
	codeTooManyPorts Code = "NPO307"
	codeNoNamespace  Code = "NPO308"

	codeAddressTaken   Code = "NPO401"
	codeNotHost        Code = "NPO402"
	codeWrongBridge    Code = "NPO403"
	codeUnknownBridge  Code = "NPO404"
	codeNoBridge       Code = "NPO405"
	codeOverlapWithin  Code = "NPO406"
	codeOverlapBetween Code = "NPO407"
	codeLocalHides     Code = "NPO408"
	codeRouteTwice     Code = "NPO409"
	codeKernelRoute    Code = "NPO410"
	codeRouteNowhere   Code = "NPO411"
	codeOtherFamily    Code = "NPO412"
	codeBadGateway     Code = "NPO413"
	codeNoIPv6         Code = "NPO414"

	codeForeignOption     Code = "NPO501"
	codeNoDevice          Code = "NPO502"
	codeIPIPOnlyIPv4      Code = "NPO503"
	codeNoFamily          Code = "NPO504"
	codeUnderlayTwice     Code = "NPO505"
	codeUnderlayTaken     Code = "NPO506"
	codeUnderlayInOverlay Code = "NPO507"
	codeOverlayTwice      Code = "NPO508"
	codeOverlayTaken      Code = "NPO509"

	codePublicSpace         Code = "NPO901"
	codeOtherLength         Code = "NPO902"
	codeNoInterfaceAnywhere Code = "NPO903"
)

// Page explains a code.
type Page struct {
	Code  Code
	Title string
	Text  string // why it is a problem, and what to do
	// Wrong and Right are a piece of a file with the problem, and without it.
	Wrong, Right string
}

// Warning says whether the code is one of warnings.
func (p Page) Warning() bool { return strings.HasPrefix(p.Code, "NPO9") }

// Pages returns the pages of all codes, in their order.
func Pages() []Page {
	var l []Page
	for _, part := range [][]Page{textPages(), structurePages(), valuePages(), namePages(), addressPages(), backendPages(), warningPages()} {
		l = append(l, part...)
	}
	return l
}

// PageOf returns the page of a code, in whatever case it is written.
func PageOf(code string) (Page, bool) {
	for _, p := range Pages() {
		if strings.EqualFold(p.Code, code) {
			return p, true
		}
	}
	return Page{}, false
}
