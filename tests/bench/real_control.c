// SPDX-License-Identifier: BSD-3-Clause

#include "tests/bench/real_control.h"

#include "tests/pki/pki.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <rte_cycles.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define USER        "nobody"
#define POLLS_A_S   200
#define START_S     20
#define OPTIONS_MAX 16
#define PATH_BYTES  256

__attribute__((noreturn)) static void give_up(
	const struct real_control *c, const char *what, const char *why)
{
	fprintf(stderr, "bench: control: %s: %s (see %s)\n", what, why, c->folder);
	exit(1);
}

static void path_of(const struct real_control *c, const char *name, char path[PATH_BYTES])
{
	snprintf(path, PATH_BYTES, "%s/%s", c->folder, name);
}

static void write_file(const struct real_control *c, const char *name, struct view text)
{
	char path[PATH_BYTES];
	int fd;

	path_of(c, name, path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text.at, text.len) != (ssize_t)text.len)
		give_up(c, path, strerror(errno));
	close(fd);
}

static void make_folder(const struct real_control *c, const char *name)
{
	char path[PATH_BYTES];

	path_of(c, name, path);
	if (mkdir(path, 0755) < 0)
		give_up(c, path, strerror(errno));
}

static void give_to_user(const struct real_control *c, const char *name)
{
	const struct passwd *user = getpwnam(USER);
	char path[PATH_BYTES];

	path_of(c, name, path);
	if (user == NULL || chown(path, user->pw_uid, user->pw_gid) < 0)
		give_up(c, path, strerror(errno));
}

static void write_pem(const struct real_control *c, const char *name, struct view text)
{
	write_file(c, name, text);
	pki_text_free(&text);
}

static void make_certificates(const struct real_control *c, const char *domain)
{
	const int64_t now_s = (int64_t)time(NULL);
	struct pki_spec spec = {.cn = "bench CA",
		.ca = true,
		.from_s = now_s - PKI_DAY_S,
		.until_s = now_s + 30 * PKI_DAY_S};
	char san[128];
	struct pki ca = pki_issue(NULL, &spec), edge;

	snprintf(san, sizeof(san), "DNS:%s", domain);
	spec.cn = "edge";
	spec.ca = false;
	spec.san = san;
	spec.eku = "serverAuth,clientAuth";
	edge = pki_issue(&ca, &spec);
	write_pem(c, "ca/ca.pem", pki_certificate_pem(&ca));
	write_pem(c, "ca/ca.key", pki_key_pem(&ca));
	write_pem(c, "certificates/ca.pem", pki_certificate_pem(&ca));
	write_pem(c, "certificates/edge.pem", pki_chain_pem(&edge));
	write_pem(c, "certificates/edge.key", pki_key_pem(&edge));
	pki_free(&edge);
	pki_free(&ca);
}

static void make_folders(struct real_control *c, const char *domain, const char *document)
{
	static const char *const own[] = {"state", "certificates", "certificates/ca.pem",
		"certificates/edge.pem", "certificates/edge.key"};

	snprintf(c->folder, sizeof(c->folder), "/tmp/fedrelay-bench.XXXXXX");
	if (mkdtemp(c->folder) == NULL || chmod(c->folder, 0755) < 0)
		give_up(c, "folder", strerror(errno));
	make_folder(c, "ca");
	make_folder(c, "state");
	make_folder(c, "certificates");
	make_certificates(c, domain);
	write_file(c, "federation.yaml", view_string(document));
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		give_to_user(c, own[i]);
}

// An executable of this build; what it says goes to the log.
static pid_t start(
	const struct real_control *c, const char *executable, const char *const options[])
{
	const char *argv[OPTIONS_MAX + 2] = {executable};
	char path[PATH_BYTES], log[PATH_BYTES];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	pid_t pid;
	int fd;

	for (unsigned i = 0; i < OPTIONS_MAX && options[i] != NULL; i++)
		argv[i + 1] = options[i];
	path[n > 0 ? n : 0] = '\0';
	for (unsigned i = 0; i < 3 && strrchr(path, '/') != NULL; i++)
		*strrchr(path, '/') = '\0';
	snprintf(path + strlen(path), sizeof(path) - strlen(path), "/control/%s", executable);
	path_of(c, "log", log);
	pid = fork();
	if (pid != 0)
		return pid;
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	// Also a lock that the bench was started under.
	close_range(STDERR_FILENO + 1, ~0U, 0);
	execv(path, (char *const *)(uintptr_t)argv);
	_exit(127);
}

// However this process ends, control does not outlive it: a process that becomes another user is
// not told of its parent's death.
static void watch(const struct real_control *c)
{
	int ends[2];
	char byte;

	if (pipe(ends) < 0)
		give_up(c, "pipe", strerror(errno));
	if (fork() != 0) {
		close(ends[0]);
		return;
	}
	dup2(ends[0], STDIN_FILENO);
	close_range(STDERR_FILENO + 1, ~0U, 0);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	kill(c->pid, SIGKILL);
	_exit(0);
}

static pid_t start_control(const struct real_control *c, const char *const options[])
{
	char dataplane[PATH_BYTES], socket[PATH_BYTES], state[PATH_BYTES], certificates[PATH_BYTES];
	const char *all[OPTIONS_MAX] = {"--user", USER, "--dataplane", dataplane, "--socket",
		socket, "--state", state, "--certificates", certificates};
	unsigned n = 10;

	path_of(c, "dataplane.sock", dataplane);
	path_of(c, "control.sock", socket);
	path_of(c, "state", state);
	path_of(c, "certificates", certificates);
	for (; *options != NULL && n < OPTIONS_MAX - 1; options++)
		all[n++] = *options;
	return start(c, "fedrelay-control", all);
}

// Until the process ends; its exit status.
static int wait_for(struct real_control *c, pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		worker_turn(c->world->worker);
		real_control_poll(c);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static uint64_t generation(const struct real_control *c)
{
	const struct generation *g = c->world->publisher.current;

	return g != NULL ? g->number : 0;
}

// fedctl fails until control is there and attached.
static void publish(struct real_control *c)
{
	char socket[PATH_BYTES], document[PATH_BYTES];
	const char *const options[] = {"--socket", socket, "publish", document, NULL};
	const time_t until = time(NULL) + START_S;
	const uint64_t before = generation(c);

	path_of(c, "control.sock", socket);
	path_of(c, "federation.yaml", document);
	while (wait_for(c, start(c, "fedctl", options)) != 0 || generation(c) == before) {
		if (time(NULL) > until)
			give_up(c, "document", "cannot be published");
	}
}

void real_control_open(struct real_control *c, struct relay_world *w, const char *domain,
	const char *document, const char *const options[])
{
	*c = (struct real_control){.world = w};
	make_folders(c, domain, document);
	snprintf(w->map.socket, sizeof(w->map.socket), "%s/dataplane.sock", c->folder);
	c->attachment = attachment_open(&w->map, w->worker, &w->publisher);
	if (c->attachment == NULL)
		give_up(c, "attachment", strerror(errno));
	c->pid = start_control(c, options);
	if (c->pid < 0)
		give_up(c, "process", strerror(errno));
	watch(c);
	publish(c);
}

void real_control_close(struct real_control *c)
{
	char command[PATH_BYTES];

	kill(c->pid, SIGTERM);
	waitpid(c->pid, NULL, 0);
	attachment_close(c->attachment);
	snprintf(command, sizeof(command), "rm -rf '%s'", c->folder);
	if (system(command) != 0) // NOLINT(cert-env33-c): a folder of ours
		fprintf(stderr, "bench: control: %s stays\n", c->folder);
}

void real_control_poll(struct real_control *c)
{
	const uint64_t now = rte_rdtsc();

	if (now < c->next_poll)
		return;
	c->next_poll = now + rte_get_tsc_hz() / POLLS_A_S;
	attachment_poll(c->attachment, 0);
	publisher_poll(&c->world->publisher);
}

// proc(5): utime and stime are the 12th and 13th word behind the name in brackets.
#define WORDS_BEFORE 11

double real_control_cpu_s(const struct real_control *c)
{
	char path[64], text[1024] = "";
	unsigned long ticks = 0;
	const char *at;
	char *end;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)c->pid);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	if (fread(text, 1, sizeof(text) - 1, f) == 0)
		text[0] = '\0';
	fclose(f);
	at = strrchr(text, ')');
	for (unsigned i = 0; i <= WORDS_BEFORE && at != NULL; i++)
		at = strchr(at + 1, ' ');
	if (at == NULL)
		return 0;
	ticks = strtoul(at, &end, 10);
	ticks += strtoul(end, NULL, 10);
	return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}
