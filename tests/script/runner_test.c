// SPDX-License-Identifier: BSD-3-Clause
// The runner itself: a script that is wrong, or that the engine does not obey, must fail, and say
// where. Each script is run by tcp-script, as a process.

#include "tests/unit/test.h"

#include <stdbool.h>
#include <unistd.h>

#define HANDSHAKE                   \
	"listen\n"                  \
	"in SYN seq 0 mss eth\n"    \
	"out SYN ACK seq 0 ack 1\n" \
	"in ACK seq 1 ack 1\n"

// What the runner says of a script; true when it says that all is well.
static bool run(const char *script, char *said, size_t n_bytes)
{
	char path[] = "/tmp/tcp-script-XXXXXX", command[512];
	int fd = mkstemp(path);
	size_t n;
	FILE *f;
	int status;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, script, strlen(script)), strlen(script));
	close(fd);
	snprintf(command, sizeof(command), "%s %s 2>&1", TCP_SCRIPT, path);
	f = popen(command, "r");
	assert_non_null(f);
	n = fread(said, 1, n_bytes - 1, f);
	said[n] = '\0';
	while (fgetc(f) != EOF)
		;
	status = pclose(f);
	unlink(path);
	return status == 0;
}

static void expect_wrong(const char *script, const char *text)
{
	char said[16384];

	if (run(script, said, sizeof(said)))
		fail_msg("this script should fail:\n%s", script);
	if (strstr(said, text) == NULL)
		fail_msg("\"%s\" is not in what it says:\n%s", text, said);
}

static void a_script_that_is_obeyed_passes(void **state)
{
	char said[16384];

	(void)state;
	assert_true(run("case \"a\"\n" HANDSHAKE "event opened\nstate ESTABLISHED\nend\n", said,
		sizeof(said)));
	assert_non_null(strstr(said, "a (IPv6)"));
}

static void a_text_that_is_no_script_fails_with_its_line(void **state)
{
	(void)state;
	expect_wrong("", "no cases");
	expect_wrong("case \"a\"\nwait 1\n", ":1: no end");
	expect_wrong("\nwait 1\n", ":2: ");
	expect_wrong("case \"a\nend\n", ":1: quote without an end");
	expect_wrong("include nowhere.inc\n", "cannot be read");
	expect_wrong("case \"a\"\nend\ncase \"a\"\nend\n", ":3: this name is taken");
	expect_wrong("table\nend\n", ":1: a table begins with columns");
	expect_wrong("define a\nend\ntable\ncolumns a\na a a\nend\n", ":5: not as many cells");
	expect_wrong("define a\nend\ntable\ncolumns a\nb a\nend\n", ":5: a macro of this row");
	expect_wrong("case \"a\"\nend\n", "nothing happens");
}

static void a_statement_that_is_none_fails_with_its_line(void **state)
{
	(void)state;
	expect_wrong("case \"a\"\nlisten\njump 5\nend\n", ":3: no such statement");
	expect_wrong("case \"a\"\nlisten\nwait x\nend\n", ":3: not a number: x");
	expect_wrong("case \"a\"\nlisten\nwait 1+\nend\n", ":3: not a number: 1+");
	expect_wrong("case \"a\"\nlisten\nwait\nend\n", ":3: a word is missing");
	expect_wrong("case \"a\"\nlisten\nuse b\nend\n", ":3: no such macro");
	expect_wrong("define b n\nend\ncase \"a\"\nlisten\nuse b\nend\n", ":5: it takes 1 values");
	expect_wrong("case \"a\"\nlisten\nin SYN\nend\n", ":3: a segment in needs seq");
	expect_wrong("case \"a\"\nlisten\nin SIN seq 0\nend\n", ":3: not a word of a segment: SIN");
	expect_wrong("case \"a\"\nlisten\nconfig conns 5\nend\n", ":3: config after");
	expect_wrong("case \"a\"\nlisten\nevent gone\nend\n", ":3: no such event");
	expect_wrong("case \"a\"\nlisten\ncounted nonsense\nend\n", ":3: no such reason");
	expect_wrong("case \"a\"\nopen error EGG\nend\n", ":2: no such error");
	expect_wrong("case \"a\"\nconfig conns 0\nlisten\nend\n", "refuses this config");
}

static void what_the_engine_does_otherwise_fails_with_its_line(void **state)
{
	static const struct {
		const char *line, *text;
	} rows[] = {{"out ACK seq 1", ":7: nothing came"}, {"out within 5 ACK", ":7: nothing came"},
		{"state CLOSING", ":7: it is ESTABLISHED"}, {"readable 1", ":7: it is 0"},
		{"event closed any", ":7: no such event came"},
		{"event no readable\nread 1", ":8: only 0 bytes"},
		{"counted tcp_paws", ":7: it is 0"}, {"usage conns 2", ":7: it is 1"},
		{"open", ":7: it gave -98"}, {"sent 1", ":7: 0 segments came"},
		{"skip 1", ":7: fewer segments came"}, {"close\nnothing", ":8: a segment came"},
		{"close\nwait 1", ":8: a segment had come before"},
		{"close", ":7: a segment came that the script does not expect"},
		{"abort\nskip", "an event came that the script does not expect: closed"},
		{"abort\nskip\nevent closed tcp_reset", ":9: the reason is tcp_aborted"},
		{"close\nout FIN ACK seq 2", "(seq differs)"}, {"close\nout ACK seq 1", "(flags"},
		{"close\nout FIN ACK ack 2", "(ack differs)"},
		{"write 9\nout ACK seq 1", "(len differs)"},
		{"write 9\nout ACK len 8 | ACK len 10", "(len differs)"},
		{"write 9\nout within 5 ACK ts 1 len 9", "(ts differs)"},
		{"write 9\nout ACK len 9 sack 1:2", "(number of SACK blocks differs)"},
		{"write 9\nout between 1 5 ACK len 9", ":8: a segment came too early"},
		{"expect 5 1..4 6..7", ":7: it is 5"},
		{"remember\nclose\nskip\nunchanged", "it was"}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char script[512];

		snprintf(script, sizeof(script), "case \"a\"\n%sevent opened\n%s\nend\n", HANDSHAKE,
			rows[i].line);
		expect_wrong(script, rows[i].text);
	}
}

static void bytes_that_are_not_the_streams_fail(void **state)
{
	(void)state;
	expect_wrong("case \"a\"\n" HANDSHAKE "event opened\nin ACK seq 1 ack 1 len 9 junk\n"
		     "skip\nread 9\nend\n",
		":9: byte 0 of what was read");
}

static void a_failure_shows_the_segments_and_where_macros_were_used(void **state)
{
	const char *script = "define m\n" HANDSHAKE "out FIN\nend\ncase \"a\"\nuse m\nend\n";

	(void)state;
	expect_wrong(script, "in   SYN seq 0");
	expect_wrong(script, "out  SYN ACK seq 0 ack 1");
	expect_wrong(script, ":9\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_script_that_is_obeyed_passes),
		cmocka_unit_test(a_text_that_is_no_script_fails_with_its_line),
		cmocka_unit_test(a_statement_that_is_none_fails_with_its_line),
		cmocka_unit_test(what_the_engine_does_otherwise_fails_with_its_line),
		cmocka_unit_test(bytes_that_are_not_the_streams_fail),
		cmocka_unit_test(a_failure_shows_the_segments_and_where_macros_were_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
