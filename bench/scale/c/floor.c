/*
 * What the kernel itself takes: the same messages as the program's, made before the clock
 * starts, sent in large chunks without asking for acknowledgements; and dumps of the same
 * objects, received and not parsed. Nothing can be faster by the same interface.
 *
 *   floor write FILE      makes what the file lists
 *   floor delete FILE     deletes it
 *   floor dump DEVICE     reads the routes of the mark, and with a device its neighbours and
 *                         FDB entries; "-": routes alone
 *   floor look DEVICE     the same after all links, without their counters, and all addresses
 *   floor foreign COUNT   makes that many blackhole routes of somebody else's in 11.0.0.0/8
 *
 * A line of the file is "neighbour IP MAC DEVICE", "fdb MAC IP DEVICE" or "route PREFIX LENGTH
 * GATEWAY DEVICE METRIC ONLINK". It prints the nanoseconds, the number of objects, and the nanoseconds
 * of the processor.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	MARK = 157,          /* the protocol that the program gives its objects */
	FOREIGN = 186,       /* RTPROT_BGP, linux/rtnetlink.h */
	CHUNK = 64 << 10,    /* bytes a send; 12 to 64 KiB cost the same */
	MESSAGE = 256,       /* more than any message takes */
	REPLIES = 64 << 10,  /* the kernel fills at most 32 KiB a receive */
};

#ifndef NDA_PROTOCOL /* linux/neighbour.h before Linux 4.21 */
#define NDA_PROTOCOL 12
#endif

/* All messages, one after the other, and how many there are. */
static char *messages;
static size_t used, room, count;

static void die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long long nanoseconds(clockid_t which)
{
	struct timespec t;
	clock_gettime(which, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* When the clocks were started. */
static long long began, began_cpu;

static void start(void)
{
	began_cpu = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
	began = nanoseconds(CLOCK_MONOTONIC);
}

static void tell(size_t n)
{
	long long took = nanoseconds(CLOCK_MONOTONIC) - began;
	printf("%lld %zu %lld\n", took, n, nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - began_cpu);
}

static struct nlmsghdr *begin(int type, int flags, const void *fixed, size_t size)
{
	if (used + MESSAGE > room) {
		room = room ? 2 * room : 1 << 20;
		if (!(messages = realloc(messages, room)))
			die("memory");
	}
	struct nlmsghdr *h = memset(messages + used, 0, MESSAGE);
	h->nlmsg_len = NLMSG_LENGTH(size);
	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = ++count;
	memcpy(NLMSG_DATA(h), fixed, size);
	return h;
}

static void attribute(struct nlmsghdr *h, int type, const void *value, size_t size)
{
	struct rtattr *a = (void *)((char *)h + NLMSG_ALIGN(h->nlmsg_len));
	a->rta_type = type;
	a->rta_len = RTA_LENGTH(size);
	memcpy(RTA_DATA(a), value, size);
	h->nlmsg_len = NLMSG_ALIGN(h->nlmsg_len) + RTA_ALIGN(a->rta_len);
}

static void end(struct nlmsghdr *h) { used += NLMSG_ALIGN(h->nlmsg_len); }

/* device finds an index, and remembers the last one. */
static int device(const char *name)
{
	static char last[64];
	static int index;
	if (index && !strcmp(name, last))
		return index;
	if (!(index = if_nametoindex(name)))
		die(name);
	strncpy(last, name, sizeof last - 1);
	return index;
}

static unsigned address(const char *text)
{
	struct in_addr a;
	if (inet_pton(AF_INET, text, &a) != 1)
		die(text);
	return a.s_addr;
}

static void mac(const char *text, unsigned char m[6])
{
	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", m, m + 1, m + 2, m + 3, m + 4, m + 5) != 6)
		die(text);
}

static void neighbour(char w[][64], int write)
{
	struct ndmsg n = {.ndm_family = AF_INET, .ndm_ifindex = device(w[3]), .ndm_state = write ? NUD_PERMANENT : 0};
	unsigned ip = address(w[1]);
	unsigned char m[6], protocol = MARK;
	mac(w[2], m);
	struct nlmsghdr *h = begin(write ? RTM_NEWNEIGH : RTM_DELNEIGH, write ? NLM_F_CREATE | NLM_F_REPLACE : 0, &n, sizeof n);
	attribute(h, NDA_DST, &ip, sizeof ip);
	if (write) {
		attribute(h, NDA_LLADDR, m, sizeof m);
		attribute(h, NDA_PROTOCOL, &protocol, sizeof protocol);
	}
	end(h);
}

static void fdb(char w[][64], int write)
{
	struct ndmsg n = {.ndm_family = AF_BRIDGE, .ndm_ifindex = device(w[3]), .ndm_flags = NTF_SELF,
			  .ndm_state = write ? NUD_PERMANENT | NUD_NOARP : 0};
	unsigned ip = address(w[2]);
	unsigned char m[6];
	mac(w[1], m);
	struct nlmsghdr *h = begin(write ? RTM_NEWNEIGH : RTM_DELNEIGH, write ? NLM_F_CREATE | NLM_F_EXCL : 0, &n, sizeof n);
	attribute(h, NDA_LLADDR, m, sizeof m);
	attribute(h, NDA_DST, &ip, sizeof ip);
	end(h);
}

static void route(char w[][64], int write)
{
	struct rtmsg r = {.rtm_family = AF_INET, .rtm_dst_len = atoi(w[2]), .rtm_table = RT_TABLE_MAIN, .rtm_protocol = MARK,
			  .rtm_scope = write ? RT_SCOPE_UNIVERSE : RT_SCOPE_NOWHERE, .rtm_type = RTN_UNICAST,
			  .rtm_flags = atoi(w[6]) ? RTNH_F_ONLINK : 0};
	unsigned dst = address(w[1]), via = address(w[3]), metric = strtoul(w[5], NULL, 10);
	int index = device(w[4]);
	struct nlmsghdr *h = begin(write ? RTM_NEWROUTE : RTM_DELROUTE, write ? NLM_F_CREATE | NLM_F_EXCL : 0, &r, sizeof r);
	attribute(h, RTA_DST, &dst, sizeof dst);
	attribute(h, RTA_OIF, &index, sizeof index);
	if (metric)
		attribute(h, RTA_PRIORITY, &metric, sizeof metric);
	attribute(h, RTA_GATEWAY, &via, sizeof via);
	end(h);
}

static void foreign(unsigned long n)
{
	struct rtmsg r = {.rtm_family = AF_INET, .rtm_dst_len = 32, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = FOREIGN,
			  .rtm_type = RTN_BLACKHOLE};
	for (unsigned long i = 0; i < n; i++) {
		unsigned dst = htonl(11u << 24 | i);
		struct nlmsghdr *h = begin(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &r, sizeof r);
		attribute(h, RTA_DST, &dst, sizeof dst);
		end(h);
	}
}

/* list makes the messages of a file. */
static void list(const char *path, int write)
{
	char line[512], w[7][64];
	FILE *f = fopen(path, "r");
	if (!f)
		die(path);
	while (fgets(line, sizeof line, f)) {
		int n = sscanf(line, "%63s %63s %63s %63s %63s %63s %63s", w[0], w[1], w[2], w[3], w[4], w[5], w[6]);
		if (n == 4 && !strcmp(w[0], "neighbour"))
			neighbour(w, write);
		else if (n == 4 && !strcmp(w[0], "fdb"))
			fdb(w, write);
		else if (n == 7 && !strcmp(w[0], "route"))
			route(w, write);
		else
			errno = EINVAL, die(line);
	}
	fclose(f);
}

static int netlink(void)
{
	int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), on = 1, size = 1 << 20;
	if (s < 0)
		die("socket");
	setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	setsockopt(s, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
	setsockopt(s, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
	if (setsockopt(s, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on))
		die("strict checking");
	return s;
}

/* refused ends the program if the kernel has refused a message: when a send returns, all
   that was in it has been done (netlink_rcv_skb, net/netlink/af_netlink.c). */
static void refused(int s)
{
	static char b[REPLIES];
	if (recv(s, b, sizeof b, MSG_DONTWAIT) <= 0)
		return;
	struct nlmsgerr *e = NLMSG_DATA((struct nlmsghdr *)b);
	fprintf(stderr, "floor: message %u: %s\n", ((struct nlmsghdr *)b)->nlmsg_seq, strerror(-e->error));
	exit(1);
}

static void send_all(int s)
{
	start();
	for (size_t at = 0; at < used;) {
		size_t to = at;
		while (to < used) {
			size_t n = NLMSG_ALIGN(((struct nlmsghdr *)(messages + to))->nlmsg_len);
			if (to + n - at > CHUNK)
				break;
			to += n;
		}
		if (send(s, messages + at, to - at, 0) < 0)
			die("send");
		refused(s);
		at = to;
	}
	tell(count);
}

/* receive takes the answer to a dump, and returns how many objects it had. */
static size_t receive(int s)
{
	static char b[REPLIES];
	for (size_t n = 0;;) {
		int len = recv(s, b, sizeof b, 0);
		if (len < 0)
			die("receive");
		for (struct nlmsghdr *h = (void *)b; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
			if (h->nlmsg_type == NLMSG_DONE)
				return n;
			if (h->nlmsg_type == NLMSG_ERROR)
				errno = -((struct nlmsgerr *)NLMSG_DATA(h))->error, die("dump");
			n++;
		}
	}
}

/* frame asks for what others stand on. */
static void frame(void)
{
	struct ifinfomsg links = {0};
	struct ifaddrmsg addresses = {0};
	unsigned mask = RTEXT_FILTER_SKIP_STATS;
	struct nlmsghdr *h = begin(RTM_GETLINK, NLM_F_DUMP, &links, sizeof links);
	attribute(h, IFLA_EXT_MASK, &mask, sizeof mask);
	end(h);
	end(begin(RTM_GETADDR, NLM_F_DUMP, &addresses, sizeof addresses));
}

static void dump(int s, const char *dev)
{
	struct rtmsg routes = {.rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = MARK};
	end(begin(RTM_GETROUTE, NLM_F_DUMP, &routes, sizeof routes));
	if (strcmp(dev, "-")) {
		int index = device(dev);
		struct ndmsg all = {0}, rows = {.ndm_family = AF_BRIDGE, .ndm_ifindex = index};
		struct nlmsghdr *h = begin(RTM_GETNEIGH, NLM_F_DUMP, &all, sizeof all);
		attribute(h, NDA_IFINDEX, &index, sizeof index);
		end(h);
		end(begin(RTM_GETNEIGH, NLM_F_DUMP, &rows, sizeof rows));
	}
	start();
	size_t n = 0;
	for (size_t at = 0; at < used;) {
		struct nlmsghdr *h = (void *)(messages + at);
		if (send(s, h, h->nlmsg_len, 0) < 0)
			die("send");
		n += receive(s);
		at += NLMSG_ALIGN(h->nlmsg_len);
	}
	tell(n);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		errno = EINVAL, die("usage: floor write|delete|dump|look|foreign WHAT");
	int s = netlink();
	if (!strcmp(argv[1], "look"))
		frame();
	if (!strcmp(argv[1], "dump") || !strcmp(argv[1], "look")) {
		dump(s, argv[2]);
		return 0;
	}
	if (!strcmp(argv[1], "foreign"))
		foreign(strtoul(argv[2], NULL, 10));
	else
		list(argv[2], !strcmp(argv[1], "write"));
	send_all(s);
	return 0;
}
