// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/test.h"

#include "dataplane/patterns/patterns_child.h"
#include "dataplane/patterns/patterns_wire.h"
#include "lib/link/sealed.h"
#include "tests/unit/dataplane/sample_image.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIMEOUT_MS 30000

struct fixture {
	struct patterns_child *child;
	struct image *image;
	void *bytes;
	char error[PATTERNS_CHILD_ERROR_BYTES];
};

static const char *const some[] = {"spam[0-9]+\\.example$", "^bad-", NULL};

static void load(struct fixture *f, const char *const regexes[])
{
	struct sample_image sample = {.generation = 1, .regexes = regexes};
	struct image_info info;
	const char *error;
	size_t n_bytes;
	int fd = sample_image_fd(&sample, &n_bytes, &info);

	image_close(f->image);
	free(f->bytes);
	f->bytes = sample_image_bytes(fd, n_bytes);
	f->image = image_open(f->bytes, n_bytes, &error);
	assert_non_null(f->image);
	close(fd);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	f->child = patterns_child_start();
	if (f->child == NULL)
		return -1;
	load(f, some);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	patterns_child_stop(f->child);
	image_close(f->image);
	free(f->bytes);
	free(f);
	return 0;
}

static int on_match(
	unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *arg)
{
	(void)from;
	(void)to;
	(void)flags;
	*(int *)arg = (int)id;
	return 0;
}

// The id of the pattern that matches, -1 for none.
static int match(const hs_database_t *database, const char *text)
{
	hs_scratch_t *scratch = NULL;
	int id = -1;

	assert_int_equal(hs_alloc_scratch(database, &scratch), HS_SUCCESS);
	assert_int_equal(hs_scan(database, text, (unsigned)strlen(text), 0, scratch, on_match, &id),
		HS_SUCCESS);
	hs_free_scratch(scratch);
	return id;
}

static void the_database_matches_by_the_index_of_the_pattern(void **state)
{
	struct fixture *f = *state;
	hs_database_t *database = NULL;

	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(
			patterns_child_compile(f->child, f->image, TIMEOUT_MS, &database, f->error),
			0);
		assert_int_equal(match(database, "spam17.example"), 0);
		assert_int_equal(match(database, "bad-one.example"), 1);
		assert_int_equal(match(database, "good.example"), -1);
		hs_free_database(database);
	}
}

static void a_job_that_takes_too_long_is_given_up_and_the_next_one_works(void **state)
{
	struct fixture *f = *state;
	hs_database_t *database = NULL;

	assert_int_equal(
		patterns_child_compile(f->child, f->image, 0, &database, f->error), -ETIMEDOUT);
	assert_string_equal(f->error, "the patterns took too long to compile");
	assert_int_equal(
		patterns_child_compile(f->child, f->image, TIMEOUT_MS, &database, f->error), 0);
	assert_int_equal(match(database, "bad-two.example"), 1);
	hs_free_database(database);
}

static void a_second_job_waits_for_the_first_to_be_collected(void **state)
{
	struct fixture *f = *state;
	hs_database_t *database = NULL;
	int rc;

	assert_int_equal(patterns_child_collect(f->child, &database, f->error), -EINVAL);
	assert_int_equal(patterns_child_submit(f->child, f->image, f->error), 0);
	assert_int_equal(patterns_child_submit(f->child, f->image, f->error), -EBUSY);
	while ((rc = patterns_child_collect(f->child, &database, f->error)) == 0) {
		struct pollfd p = {.fd = patterns_child_fd(f->child), .events = POLLIN};

		assert_true(poll(&p, 1, TIMEOUT_MS) > 0);
	}
	assert_int_equal(rc, 1);
	hs_free_database(database);
	assert_int_equal(patterns_child_submit(f->child, f->image, f->error), 0);
	patterns_child_cancel(f->child);
}

// Texts as write_texts() lays them out, one after the other.
static size_t put_text(char *to, uint32_t flags, const char *text)
{
	struct patterns_text t = {.flags = flags, .n_bytes = (uint32_t)strlen(text) + 1};

	memcpy(to, &t, sizeof(t));
	memcpy(to + sizeof(t), text, t.n_bytes);
	return sizeof(t) + t.n_bytes;
}

// A child under the test's own hand, told to compile these bytes. Its answer.
static struct patterns_answer answer_to(const void *bytes, size_t n_bytes, size_t announced)
{
	struct patterns_job job = {.verb = PATTERNS_COMPILE, .number = 7, .n_bytes = announced};
	struct patterns_answer a;
	int ends[2], fd, texts = sealed_create("test", bytes, n_bytes);
	pid_t child;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	child = fork();
	if (child == 0)
		patterns_zygote_run(ends[1]);
	assert_true(child > 0);
	close(ends[1]);
	assert_int_equal(patterns_receive(ends[0], &a, sizeof(a), &fd), 1);
	assert_int_equal(patterns_send(ends[0], &job, sizeof(job), texts), 0);
	assert_int_equal(patterns_receive(ends[0], &a, sizeof(a), &fd), 1);
	assert_int_equal(a.number, 7);
	if (fd != -1)
		close(fd);
	close(texts);
	close(ends[0]);
	assert_int_equal(waitpid(child, NULL, 0), child);
	return a;
}

static void an_error_names_the_pattern(void **state)
{
	char texts[200];
	size_t n = put_text(texts, 0, "fine");
	struct patterns_answer a;

	(void)state;
	n += put_text(texts + n, 0, "(unclosed");
	a = answer_to(texts, n, n);
	assert_int_equal(a.error, EINVAL);
	assert_memory_equal(a.text, "pattern 1: ", 11);
}

static void malformed_texts_are_refused(void **state)
{
	char texts[200];
	size_t n = put_text(texts, 0, "fine");

	(void)state;
	assert_int_equal(answer_to(texts, n, n).error, 0);
	assert_int_equal(answer_to(texts, n, n - 1).error, EBADMSG);
	assert_int_equal(answer_to(texts, n - 1, n - 1).error, EBADMSG);
	assert_int_equal(answer_to(texts, 4, 4).error, EBADMSG);
	assert_int_equal(answer_to(texts, 0, 0).error, EBADMSG);
	texts[n - 1] = 'x';
	assert_int_equal(answer_to(texts, n, n).error, EBADMSG);
	memset(texts + 4, 0xff, 4);
	assert_int_equal(answer_to(texts, n, n).error, EBADMSG);
}

struct fake {
	struct patterns_child *child;
	int end;
};

// Submits to a child that the test plays.
static struct fake fake_child(struct fixture *f)
{
	int ends[2], fd;
	struct patterns_job job;
	struct fake fake;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	fake.child = patterns_child_over(ends[0]);
	fake.end = ends[1];
	assert_int_equal(patterns_child_submit(fake.child, f->image, f->error), 0);
	assert_int_equal(patterns_receive(fake.end, &job, sizeof(job), &fd), 1);
	close(fd);
	return fake;
}

// What collecting makes of this answer to the first job.
static int collected(struct fixture *f, struct patterns_answer a, int fd)
{
	struct fake fake = fake_child(f);
	hs_database_t *database = NULL;
	int rc;

	assert_int_equal(patterns_send(fake.end, &a, sizeof(a), fd), 0);
	rc = patterns_child_collect(fake.child, &database, f->error);
	assert_null(database);
	patterns_child_stop(fake.child);
	close(fake.end);
	return rc;
}

static void a_lying_child_is_believed_in_nothing(void **state)
{
	struct fixture *f = *state;
	struct patterns_answer a = {.number = 1, .n_bytes = 8};
	int junk = sealed_create("test", "junkjunk", 8);
	int unsealed = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_int_equal(ftruncate(unsealed, 8), 0);
	assert_int_equal(collected(f, a, -1), -EBADMSG);
	assert_int_equal(collected(f, a, junk), -EBADMSG);
	assert_string_equal(f->error, "the pattern compiler's database is damaged");
	assert_int_equal(collected(f, a, unsealed), -EBADMSG);
	assert_int_equal(collected(f, a, 0), -EBADMSG);
	a.n_bytes = UINT64_MAX;
	assert_int_equal(collected(f, a, junk), -EBADMSG);
	a.n_bytes = 9;
	assert_int_equal(collected(f, a, junk), -EBADMSG);
	a.error = INT32_MIN;
	memset(a.text, 0xff, sizeof(a.text));
	assert_int_equal(collected(f, a, junk), -EBADMSG);
	assert_int_equal(f->error[sizeof(f->error) - 1], '\0');
	a.error = 0;
	a.number = 2;
	assert_int_equal(collected(f, a, junk), 0);
	close(junk);
	close(unsealed);
}

static void an_answer_of_another_size_ends_the_child(void **state)
{
	struct fixture *f = *state;
	struct fake fake = fake_child(f);
	hs_database_t *database = NULL;

	assert_int_equal(patterns_send(fake.end, "short", 5, -1), 0);
	assert_int_equal(patterns_child_collect(fake.child, &database, f->error), -EPIPE);
	assert_int_equal(patterns_child_submit(fake.child, f->image, f->error), -EPIPE);
	patterns_child_stop(fake.child);
	close(fake.end);
}

// The first child of a process; 0: none, or not to be seen.
static pid_t child_of(pid_t parent)
{
	char path[64], children[64] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
	file = fopen(path, "r");
	if (file == NULL)
		return 0;
	if (fgets(children, sizeof(children), file) == NULL)
		children[0] = '\0';
	fclose(file);
	return (pid_t)atoi(children);
}

static void a_killed_child_is_an_error_and_not_an_end(void **state)
{
	struct fixture *f = *state;
	hs_database_t *database = NULL;
	pid_t zygote = child_of(getpid());
	int rc;

	assert_true(zygote > 0);
	kill(zygote, SIGKILL);
	rc = patterns_child_compile(f->child, f->image, TIMEOUT_MS, &database, f->error);
	assert_int_equal(rc, -EPIPE);
	rc = patterns_child_compile(f->child, f->image, TIMEOUT_MS, &database, f->error);
	assert_int_equal(rc, -EPIPE);
	assert_string_equal(
		f->error, "the pattern compiler is gone: restart the dataplane to change patterns");
}

static void a_killed_compiler_costs_its_job_alone(void **state)
{
	static const char *const slow[] = {"(a.{1,250}b|c.{1,250}d|e.{1,250}f){3}[xyz]{20,90}",
		"(g.{1,250}h|i.{1,250}j|k.{1,250}l){3}[xyz]{20,90}", NULL};
	struct fixture *f = *state;
	struct pollfd p = {.fd = patterns_child_fd(f->child), .events = POLLIN};
	hs_database_t *database = NULL;
	pid_t compiler = 0;
	int rc;

	load(f, slow);
	assert_int_equal(patterns_child_submit(f->child, f->image, f->error), 0);
	while (compiler == 0 && poll(&p, 1, 0) == 0)
		compiler = child_of(child_of(getpid()));
	// Too quick to be caught: nothing to see here.
	if (compiler == 0)
		skip();
	kill(compiler, SIGKILL);
	assert_int_equal(poll(&p, 1, TIMEOUT_MS), 1);
	rc = patterns_child_collect(f->child, &database, f->error);
	assert_int_equal(rc, -EIO);
	assert_string_equal(f->error, "the pattern compiler was killed by signal 9");
	load(f, some);
	assert_int_equal(
		patterns_child_compile(f->child, f->image, TIMEOUT_MS, &database, f->error), 0);
	hs_free_database(database);
}

static void the_child_ignores_what_a_terminal_sends(void **state)
{
	struct fixture *f = *state;
	hs_database_t *database = NULL;
	pid_t zygote = child_of(getpid());

	kill(zygote, SIGINT);
	kill(zygote, SIGTERM);
	kill(zygote, SIGHUP);
	assert_int_equal(
		patterns_child_compile(f->child, f->image, TIMEOUT_MS, &database, f->error), 0);
	hs_free_database(database);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_database_matches_by_the_index_of_the_pattern),
		CASE(a_job_that_takes_too_long_is_given_up_and_the_next_one_works),
		CASE(a_second_job_waits_for_the_first_to_be_collected),
		cmocka_unit_test(an_error_names_the_pattern),
		cmocka_unit_test(malformed_texts_are_refused),
		CASE(a_lying_child_is_believed_in_nothing),
		CASE(an_answer_of_another_size_ends_the_child),
		CASE(a_killed_compiler_costs_its_job_alone),
		CASE(a_killed_child_is_an_error_and_not_an_end),
		CASE(the_child_ignores_what_a_terminal_sends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
