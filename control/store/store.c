// SPDX-License-Identifier: BSD-3-Clause

#include "control/store/store.h"

#include "control/store/image_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

// Revisions that stand and whose images are kept, to fall back on.
#define IMAGES_KEPT 4

#define KEY_FILE "relay.key"

struct store {
	struct revisions *revisions;
	int directory, images;
	uint8_t relay_key[SIPHASH_KEY_BYTES];
};

struct image_name {
	char text[40];
};

static struct image_name image_name(uint64_t number)
{
	struct image_name name;

	snprintf(name.text, sizeof(name.text), "%" PRIu64 ".image", number);
	return name;
}

__attribute__((format(printf, 2, 3))) static void say(
	char error[REVISIONS_ERROR_BYTES], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error, REVISIONS_ERROR_BYTES, format, arguments);
	va_end(arguments);
}

static int open_directory(int at, const char *path)
{
	int fd;

	if (mkdirat(at, path, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_directories(struct store *s, const char *path, char error[REVISIONS_ERROR_BYTES])
{
	struct stat st;

	s->directory = open_directory(AT_FDCWD, path);
	if (s->directory < 0) {
		say(error, "%s: %s", path, strerror(-s->directory));
		return s->directory;
	}
	// The relay's key and everybody's policy lie in it.
	if (fstat(s->directory, &st) < 0 || st.st_uid != geteuid() ||
		fchmod(s->directory, 0700) < 0) {
		say(error, "%s: belongs to another user; one that belongs to uid %u is expected",
			path, (unsigned)geteuid());
		return -EPERM;
	}
	s->images = open_directory(s->directory, "images");
	if (s->images < 0)
		say(error, "%s/images: %s", path, strerror(-s->images));
	return s->images < 0 ? s->images : 0;
}

static int read_key(struct store *s)
{
	int fd = openat(s->directory, KEY_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	uint8_t longer[SIPHASH_KEY_BYTES + 1];
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, longer, sizeof(longer));
	close(fd);
	if (n == SIPHASH_KEY_BYTES)
		memcpy(s->relay_key, longer, SIPHASH_KEY_BYTES);
	explicit_bzero(longer, sizeof(longer));
	return n == SIPHASH_KEY_BYTES ? 0 : -EBADMSG;
}

static int open_key(struct store *s, const char *path, char error[REVISIONS_ERROR_BYTES])
{
	int e = read_key(s);

	if (e == -ENOENT) {
		if (getrandom(s->relay_key, SIPHASH_KEY_BYTES, 0) != SIPHASH_KEY_BYTES)
			e = -EIO;
		else
			e = image_file_write(
				s->directory, KEY_FILE, s->relay_key, SIPHASH_KEY_BYTES);
	}
	if (e < 0)
		say(error, "%s/" KEY_FILE ": %s", path,
			e == -EBADMSG ? "not a key of 16 bytes" : strerror(-e));
	return e;
}

static bool has_row(struct store *s, uint64_t number)
{
	struct revision r;
	int error = revisions_find(s->revisions, number, &r);

	if (error == 0)
		revision_fini(&r);
	// Where the database cannot say, the image stays.
	return error != -ENOENT;
}

// What a crash left: temporary files, and images that got their name but never a row.
static int sweep(struct store *s, const char *path, char error[REVISIONS_ERROR_BYTES])
{
	int fd = openat(s->images, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *images = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (images == NULL) {
		say(error, "%s/images: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -EIO;
	}
	while ((entry = readdir(images)) != NULL) {
		char *end;
		uint64_t number = strtoull(entry->d_name, &end, 10);
		bool is_image = end != entry->d_name && strcmp(end, ".image") == 0;

		if (entry->d_name[0] != '.' && (!is_image || !has_row(s, number)))
			unlinkat(s->images, entry->d_name, 0);
	}
	closedir(images);
	return 0;
}

struct store *store_open(const char *directory, char error[REVISIONS_ERROR_BYTES])
{
	struct store *s = calloc(1, sizeof(*s));
	char path[PATH_MAX];

	error[0] = '\0';
	if (s == NULL) {
		say(error, "out of memory");
		return NULL;
	}
	s->directory = s->images = -1;
	snprintf(path, sizeof(path), "%s/revisions.db", directory);
	if (open_directories(s, directory, error) == 0 && open_key(s, directory, error) == 0 &&
		(s->revisions = revisions_open(path, error)) != NULL &&
		sweep(s, directory, error) == 0)
		return s;
	store_close(s);
	return NULL;
}

void store_close(struct store *s)
{
	if (s == NULL)
		return;
	revisions_close(s->revisions);
	if (s->images >= 0)
		close(s->images);
	if (s->directory >= 0)
		close(s->directory);
	explicit_bzero(s->relay_key, sizeof(s->relay_key));
	free(s);
}

struct revisions *store_revisions(struct store *s)
{
	return s->revisions;
}

const uint8_t *store_relay_key(const struct store *s)
{
	return s->relay_key;
}

// Images that nothing will fall back on any more. One that stays costs room and nothing else.
static void prune(struct store *s)
{
	uint64_t old[16];
	int n = revisions_list_old(s->revisions, IMAGES_KEPT, old, sizeof(old) / sizeof(old[0]));

	for (int i = 0; i < n; i++)
		unlinkat(s->images, image_name(old[i]).text, 0);
}

int store_begin(struct store *s, const struct revision *revision, int image_fd, uint64_t n_bytes)
{
	struct image_name name = image_name(revision->number);
	int error;

	if (has_row(s, revision->number))
		return -EEXIST;
	error = image_file_copy(s->images, name.text, image_fd, n_bytes);
	if (error < 0)
		return error;
	error = revisions_add(s->revisions, revision);
	if (error < 0)
		unlinkat(s->images, name.text, 0);
	else
		prune(s);
	return error;
}

int store_finish(struct store *s, uint64_t number, const char *refused)
{
	int error;

	if (refused == NULL)
		return revisions_set_state(s->revisions, number, REVISION_APPLIED, "");
	error = revisions_set_state(s->revisions, number, REVISION_REFUSED, refused);
	if (error == 0)
		unlinkat(s->images, image_name(number).text, 0);
	return error;
}

int store_open_image(struct store *s, uint64_t number, uint64_t *n_bytes)
{
	return image_file_load(s->images, image_name(number).text, IMAGE_BYTES_MAX, n_bytes);
}
