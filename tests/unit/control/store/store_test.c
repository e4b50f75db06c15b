// SPDX-License-Identifier: BSD-3-Clause

#include "control/store/store.h"

#include "tests/unit/control/image.h"

#include <errno.h>

static char folder[64];
static char error[REVISIONS_ERROR_BYTES];

static int set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/fedrelay-store-XXXXXX");
	return mkdtemp(folder) == NULL;
}

static int tear_down(void **state)
{
	(void)state;
	test_remove_files(AT_FDCWD, folder);
	return 0;
}

static struct store *open_store(void)
{
	struct store *s = store_open(folder, error);

	if (s == NULL)
		fail_msg("%s", error);
	return s;
}

static int begin(struct store *s, uint64_t number)
{
	struct revision r = {
		.number = number,
		.time = 1000 + (int64_t)number,
		.uid = 42,
		.n_names = 3,
		.n_patterns = 1,
		.n_peers = 2,
		.name = (char[]){"doc.yaml"},
		.comment = (char[]){"why"},
		.document = (char[]){TEST_DOCUMENT},
	};
	struct compiled c;
	int result;

	test_compile(number, &c);
	memcpy(r.digest, c.info.digest, sizeof(r.digest));
	result = store_begin(s, &r, c.image_fd, c.n_bytes);
	compiled_close(&c);
	return result;
}

static void path_of(char path[128], const char *name)
{
	snprintf(path, 128, "%s/%s", folder, name);
}

static bool exists(const char *name)
{
	char path[128];

	path_of(path, name);
	return access(path, F_OK) == 0;
}

static void write_file(const char *name, const char *bytes, size_t n, int flags)
{
	char path[128];
	int fd;

	path_of(path, name);
	fd = open(path, O_WRONLY | O_CREAT | flags, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

static void a_revision_is_found_again_after_a_restart(void **state)
{
	struct store *s = open_store();
	struct compiled c;
	struct revision r;
	uint64_t n_bytes;
	struct replica_error why;
	struct replica *replica;
	int fd;

	(void)state;
	assert_int_equal(begin(s, 7), 0);
	assert_int_equal(store_finish(s, 7, NULL), 0);
	store_close(s);
	s = open_store();
	assert_int_equal(revisions_find_standing(store_revisions(s), UINT64_MAX, &r), 0);
	assert_int_equal(r.number, 7);
	assert_int_equal(r.time, 1007);
	assert_int_equal(r.uid, 42);
	assert_int_equal(r.state, REVISION_APPLIED);
	assert_int_equal(r.n_names, 3);
	assert_string_equal(r.name, "doc.yaml");
	assert_string_equal(r.comment, "why");
	assert_string_equal(r.document, TEST_DOCUMENT);
	test_compile(7, &c);
	assert_memory_equal(r.digest, c.info.digest, sizeof(r.digest));
	compiled_close(&c);
	revision_fini(&r);
	fd = store_open_image(s, 7, &n_bytes);
	assert_true(fd >= 0);
	assert_int_equal(
		fcntl(fd, F_GET_SEALS), F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
	replica = replica_open(fd, n_bytes, NULL, &why);
	assert_non_null(replica);
	assert_int_equal(image_info(replica_image(replica))->generation, 7);
	replica_close(replica);
	close(fd);
	store_close(s);
}

static void everything_is_closed_to_others(void **state)
{
	static const char *const names[] = {
		"", "images", "relay.key", "revisions.db", "images/1.image"};
	char path[128];
	struct stat st;
	struct store *s;

	(void)state;
	assert_int_equal(chmod(folder, 0755), 0);
	s = open_store();
	assert_int_equal(begin(s, 1), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		path_of(path, names[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 077, 0);
	}
	store_close(s);
}

static void the_relay_key_is_made_once(void **state)
{
	uint8_t key[SIPHASH_KEY_BYTES];
	struct store *s = open_store();

	(void)state;
	memcpy(key, store_relay_key(s), sizeof(key));
	store_close(s);
	s = open_store();
	assert_memory_equal(store_relay_key(s), key, sizeof(key));
	store_close(s);
	write_file("relay.key", "short", 5, O_TRUNC);
	assert_null(store_open(folder, error));
	assert_non_null(strstr(error, "relay.key: not a key of 16 bytes"));
}

static void a_refused_revision_never_stands(void **state)
{
	struct store *s = open_store();
	struct revision r;
	uint64_t number;

	(void)state;
	assert_int_equal(begin(s, 1), 0);
	assert_int_equal(store_finish(s, 1, NULL), 0);
	assert_int_equal(begin(s, 2), 0);
	assert_int_equal(store_finish(s, 2, "too large"), 0);
	assert_int_equal(revisions_find_standing(store_revisions(s), UINT64_MAX, &r), 0);
	assert_int_equal(r.number, 1);
	revision_fini(&r);
	assert_false(exists("images/2.image"));
	assert_int_equal(revisions_find(store_revisions(s), 2, &r), 0);
	assert_int_equal(r.state, REVISION_REFUSED);
	assert_string_equal(r.error, "too large");
	revision_fini(&r);
	// Its number stays taken.
	assert_int_equal(revisions_last_number(store_revisions(s), &number), 0);
	assert_int_equal(number, 2);
	assert_int_equal(begin(s, 2), -EEXIST);
	store_close(s);
}

static void a_crash_before_the_answer_leaves_the_revision_standing(void **state)
{
	struct store *s = open_store();
	struct revision r;

	(void)state;
	assert_int_equal(begin(s, 1), 0);
	assert_int_equal(store_finish(s, 1, NULL), 0);
	assert_int_equal(begin(s, 2), 0);
	store_close(s);
	s = open_store();
	assert_int_equal(revisions_find_standing(store_revisions(s), UINT64_MAX, &r), 0);
	assert_int_equal(r.number, 2);
	assert_int_equal(r.state, REVISION_PENDING);
	revision_fini(&r);
	assert_int_equal(revisions_find_standing(store_revisions(s), 2, &r), 0);
	assert_int_equal(r.number, 1);
	revision_fini(&r);
	store_close(s);
}

static void a_crash_before_the_row_leaves_nothing(void **state)
{
	struct store *s = open_store();
	struct revision r;

	(void)state;
	assert_int_equal(begin(s, 1), 0);
	store_close(s);
	write_file("images/2.image.tmp", "half", 4, O_EXCL);
	write_file("images/2.image", "whole, but no row", 17, O_EXCL);
	write_file("images/1.image.tmp", "half", 4, O_EXCL);
	s = open_store();
	assert_false(exists("images/2.image.tmp"));
	assert_false(exists("images/2.image"));
	assert_false(exists("images/1.image.tmp"));
	assert_true(exists("images/1.image"));
	assert_int_equal(revisions_find(store_revisions(s), 2, &r), -ENOENT);
	// What a crash left under the name is no obstacle.
	write_file("images/2.image.tmp", "half", 4, O_EXCL);
	assert_int_equal(begin(s, 2), 0);
	assert_false(exists("images/2.image.tmp"));
	store_close(s);
}

static void a_damaged_database_is_refused_and_left_as_it_is(void **state)
{
	struct store *s = open_store();
	char path[128];
	struct stat before, after;

	(void)state;
	for (uint64_t i = 1; i <= 3; i++)
		assert_int_equal(begin(s, i), 0);
	store_close(s);
	path_of(path, "revisions.db");
	assert_int_equal(truncate(path, 5000), 0);
	assert_int_equal(stat(path, &before), 0);
	assert_null(store_open(folder, error));
	assert_non_null(strstr(error, "revisions.db: damaged"));
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_size, after.st_size);
	assert_true(exists("images/3.image"));
	write_file(
		"revisions.db", "this is no database at all, not at all, not at all", 50, O_TRUNC);
	assert_null(store_open(folder, error));
	assert_non_null(strstr(error, "revisions.db: damaged"));
}

static void a_damaged_image_is_noticed(void **state)
{
	struct store *s = open_store();
	struct replica_error why;
	uint64_t n_bytes;
	int fd;

	(void)state;
	assert_int_equal(begin(s, 1), 0);
	write_file("images/1.image", "XXXX", 4, 0);
	fd = store_open_image(s, 1, &n_bytes);
	assert_true(fd >= 0);
	assert_null(replica_open(fd, n_bytes, NULL, &why));
	assert_int_equal(errno, EBADMSG);
	assert_true(strlen(why.text) > 0);
	close(fd);
	assert_int_equal(store_open_image(s, 9, &n_bytes), -ENOENT);
	store_close(s);
}

static void only_the_newest_images_are_kept(void **state)
{
	struct store *s = open_store();
	struct revision rows[20];
	int n;

	(void)state;
	for (uint64_t i = 1; i <= 6; i++) {
		assert_int_equal(begin(s, i), 0);
		assert_int_equal(store_finish(s, i, NULL), 0);
	}
	assert_false(exists("images/1.image"));
	assert_false(exists("images/2.image"));
	assert_true(exists("images/3.image"));
	assert_true(exists("images/6.image"));
	// The history stays whole.
	n = revisions_list(store_revisions(s), rows, 20);
	assert_int_equal(n, 6);
	assert_int_equal(rows[0].number, 6);
	for (int i = 0; i < n; i++)
		revision_fini(&rows[i]);
	n = revisions_list(store_revisions(s), rows, 2);
	assert_int_equal(n, 2);
	for (int i = 0; i < n; i++)
		revision_fini(&rows[i]);
	store_close(s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_revision_is_found_again_after_a_restart),
		TEST(everything_is_closed_to_others),
		TEST(the_relay_key_is_made_once),
		TEST(a_refused_revision_never_stands),
		TEST(a_crash_before_the_answer_leaves_the_revision_standing),
		TEST(a_crash_before_the_row_leaves_nothing),
		TEST(a_damaged_database_is_refused_and_left_as_it_is),
		TEST(a_damaged_image_is_noticed),
		TEST(only_the_newest_images_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
