// SPDX-License-Identifier: BSD-3-Clause

#include "tests/unit/test.h"

#include "lib/link/sealed.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

static void what_was_sealed_reads_back_and_cannot_be_changed(void **state)
{
	char text[] = "ten bytes.", back[sizeof(text)];
	int fd = sealed_create("test", text, sizeof(text));

	(void)state;
	assert_true(fd >= 0);
	assert_null(sealed_check(fd, sizeof(text), SEALED_CONTENT | F_SEAL_SEAL));
	assert_int_equal(sealed_read(fd, back, sizeof(back)), 0);
	assert_string_equal(back, text);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 1), -1);
	close(fd);
}

static void reading_beyond_the_end_is_an_error(void **state)
{
	char back[8];
	int fd = sealed_create("test", "four", 4);

	(void)state;
	assert_int_equal(sealed_read(fd, back, 5), -EIO);
	close(fd);
}

static void every_missing_seal_is_seen(void **state)
{
	const int seals[] = {F_SEAL_WRITE, F_SEAL_GROW, F_SEAL_SHRINK};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

		assert_int_equal(ftruncate(fd, 16), 0);
		assert_int_equal(fcntl(fd, F_ADD_SEALS, SEALED_CONTENT & ~seals[i]), 0);
		assert_string_equal(sealed_check(fd, 16, SEALED_CONTENT), "not sealed");
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals[i]), 0);
		assert_null(sealed_check(fd, 16, SEALED_CONTENT));
		assert_string_equal(
			sealed_check(fd, 17, SEALED_CONTENT), "not of the announced size");
		close(fd);
	}
}

static void a_pipe_or_a_device_is_not_a_memfd(void **state)
{
	int ends[2], fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_string_equal(sealed_check(ends[0], 0, SEALED_CONTENT), "not a memfd");
	assert_string_equal(sealed_check(fd, 0, SEALED_CONTENT), "not a memfd");
	close(ends[0]);
	close(ends[1]);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_sealed_reads_back_and_cannot_be_changed),
		cmocka_unit_test(reading_beyond_the_end_is_an_error),
		cmocka_unit_test(every_missing_seal_is_seen),
		cmocka_unit_test(a_pipe_or_a_device_is_not_a_memfd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
