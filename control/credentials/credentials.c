// SPDX-License-Identifier: BSD-3-Clause

#include "control/credentials/credentials.h"

#include "control/credentials/make.h"
#include "control/log.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

// Of a folder: more are not looked at for changes.
#define FILES_MAX 1024

struct credentials {
	struct credentials_config config;
	struct tls_cache *cache;
	uv_timer_t timer;
	uv_work_t work;
	bool working, stopped;
	bool again;          // another look was asked for while one is under way
	uint64_t number;     // to be made: the current revision's
	uint64_t made;       // whose are in force; 0: none
	uint64_t seen, look; // digests of the folder: of what was made, of the look under way
	uint64_t making;     // the number that work makes
	struct tls_context *result[SIDE_N];
	int error;
	struct errors errors;
	int64_t expire_s;
	char trouble[CREDENTIALS_TEXT_BYTES];
};

static uint64_t mix(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15) ^ hash >> 29;
}

// Of names, sizes and times: a file that is written anew, or put in another's place, changes it.
static uint64_t look_at(const char *folder)
{
	uint64_t digest = 1;
	DIR *dir = opendir(folder);
	const struct dirent *entry;

	for (unsigned i = 0; dir != NULL && i < FILES_MAX && (entry = readdir(dir)) != NULL; i++) {
		uint64_t hash = 0;
		struct stat st;

		if (fstatat(dirfd(dir), entry->d_name, &st, 0) < 0 || !S_ISREG(st.st_mode))
			continue;
		for (const char *c = entry->d_name; *c != '\0'; c++)
			hash = mix(hash, (uint8_t)*c);
		hash = mix(hash, (uint64_t)st.st_ino);
		hash = mix(hash, (uint64_t)st.st_size);
		hash = mix(hash, (uint64_t)st.st_mtim.tv_sec);
		hash = mix(hash, (uint64_t)st.st_mtim.tv_nsec);
		hash = mix(hash, (uint64_t)st.st_mode << 32 | st.st_uid);
		// In no order: that of a folder is not kept.
		digest += hash;
	}
	if (dir != NULL)
		closedir(dir);
	return digest;
}

static int make_of_text(const struct credentials_source *source, struct view text,
	struct tls_context *made[SIDE_N], struct errors *errors)
{
	struct document *document = document_parse(text, errors);
	int error;

	if (document == NULL)
		return -EINVAL;
	error = credentials_make(source, document, made, errors);
	document_free(document);
	return error;
}

int credentials_check(const char *folder, struct view document, struct errors *errors)
{
	const struct credentials_source source = {.folder = folder, .now_s = (int64_t)time(NULL)};
	struct tls_context *made[SIDE_N];
	int error = make_of_text(&source, document, made, errors);

	if (error < 0)
		return error;
	tls_context_put(made[SIDE_INSIDE]);
	tls_context_put(made[SIDE_OUTSIDE]);
	return 0;
}

// On a work thread.
static void make(uv_work_t *work)
{
	struct credentials *c = work->data;
	const struct credentials_source source = {.folder = c->config.folder, .cache = c->cache};
	struct revision r;

	// Looked at before it is read: what changes meanwhile is found by the next look.
	c->look = look_at(c->config.folder);
	if (c->making == c->made && c->look == c->seen) {
		c->error = -EALREADY;
		return;
	}
	c->error = revisions_find(store_revisions(c->config.store), c->making, &r);
	if (c->error < 0)
		return;
	c->error = make_of_text(&source, view_string(r.document), c->result, &c->errors);
	revision_fini(&r);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void take_result(struct credentials *c)
{
	struct tls_context *inside = c->result[SIDE_INSIDE], *outside = c->result[SIDE_OUTSIDE];

	c->made = c->making;
	c->trouble[0] = '\0';
	c->expire_s = INT64_MAX;
	if (outside != NULL)
		c->expire_s =
			earlier(tls_context_expires_s(inside), tls_context_expires_s(outside));
	log_line("credentials", "of revision %" PRIu64 " in force: %s", c->made,
		outside != NULL ? "certificates" : "no certificate");
	c->config.use(c->config.arg, inside, outside);
}

static void say_trouble(struct credentials *c)
{
	snprintf(c->trouble, sizeof(c->trouble), "credentials of revision %" PRIu64 ": %s",
		c->making,
		c->error == -EINVAL && c->errors.n > 0 ? c->errors.text[0] : strerror(-c->error));
	log_line("credentials", "%s", c->trouble);
}

static void begin(struct credentials *c);

static void made(uv_work_t *work, int status)
{
	struct credentials *c = work->data;

	(void)status;
	c->working = false;
	// What failed is tried again when something has changed.
	if (c->error != -EALREADY)
		c->seen = c->look;
	if (c->stopped) {
		tls_context_put(c->result[SIDE_INSIDE]);
		tls_context_put(c->result[SIDE_OUTSIDE]);
		return;
	}
	if (c->error == 0)
		take_result(c);
	else if (c->error != -EALREADY)
		say_trouble(c);
	if (c->error != 0 && c->error != -EALREADY)
		c->made = c->making;
	if (c->number != c->made || c->again)
		begin(c);
}

static void begin(struct credentials *c)
{
	if (c->working || c->number == 0)
		return;
	c->again = false;
	c->making = c->number;
	c->result[SIDE_INSIDE] = c->result[SIDE_OUTSIDE] = NULL;
	errors_init(&c->errors, "document");
	c->working = uv_queue_work(c->config.loop, &c->work, make, made) == 0;
}

static void look(uv_timer_t *timer)
{
	begin(timer->data);
}

void credentials_look(struct credentials *c)
{
	c->again = c->working;
	begin(c);
}

struct credentials *credentials_new(const struct credentials_config *config)
{
	struct credentials *c = calloc(1, sizeof(*c));
	int error = -ENOMEM;

	if (c == NULL)
		return NULL;
	c->config = *config;
	c->expire_s = INT64_MAX;
	c->work.data = c;
	c->cache = tls_cache_new();
	if (c->cache != NULL)
		error = uv_timer_init(config->loop, &c->timer);
	if (error == 0) {
		c->timer.data = c;
		uv_timer_start(&c->timer, look, CREDENTIALS_LOOK_MS, CREDENTIALS_LOOK_MS);
		return c;
	}
	tls_cache_free(c->cache);
	free(c);
	errno = -error;
	return NULL;
}

void credentials_stop(struct credentials *c)
{
	c->stopped = true;
	uv_close((uv_handle_t *)&c->timer, NULL);
}

void credentials_free(struct credentials *c)
{
	if (c == NULL)
		return;
	tls_cache_free(c->cache);
	free(c);
}

void credentials_follow(struct credentials *c, uint64_t number)
{
	c->number = number;
	begin(c);
}

const char *credentials_trouble(const struct credentials *c)
{
	return c->trouble;
}

int64_t credentials_expire_s(const struct credentials *c)
{
	return c->expire_s;
}
