/*
 * Runs a command in a network namespace, and prints what it has taken: nanoseconds from its
 * start to its end, of its processors in user and system mode, and the most memory in KiB.
 * A process inherits the peak of what has started it (exec_mmap, fs/exec.c): hence a small
 * one.
 *
 *   clock FILE COMMAND...   prints into the file
 *   clock FILE -n NETNS COMMAND...   in that namespace
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "clock: %s: %s\n", what, strerror(errno));
	exit(125);
}

static long long now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static long long ns(struct timeval t) { return t.tv_sec * 1000000000LL + t.tv_usec * 1000LL; }

static void enter(const char *netns)
{
	int fd = open(netns, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die(netns);
	close(fd);
}

int main(int argc, char **argv)
{
	struct rusage u;
	int status;
	if (argc < 3)
		errno = EINVAL, die("usage: clock FILE [-n NETNS] COMMAND...");
	char **command = argv + 2;
	if (argc > 4 && !strcmp(argv[2], "-n")) {
		enter(argv[3]);
		command = argv + 4;
	}
	FILE *out = fopen(argv[1], "we");
	if (!out)
		die(argv[1]);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	long long began = now();
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execvp(*command, command);
		die(*command);
	}
	if (pid < 0 || wait4(pid, &status, 0, &u) < 0)
		die("wait");
	fprintf(out, "%lld %lld %lld %ld\n", now() - began, ns(u.ru_utime), ns(u.ru_stime), u.ru_maxrss);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
