/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * One array of entries with a bit per port, because all ports of a device behave alike: a switch
 * that forgets the SM's service level forgets it on each of its 40 ports. The array is written to
 * the store as it is (one host, one byte order); what comes back is checked.
 */

#include "sm/not-kept.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SETTINGS_MAX 32

struct entry {
	uint64_t value;
	uint64_t ports[4]; /* bit per port number */
	uint32_t setting;
	uint32_t reserved; /* 0 */
};

struct not_kept {
	uint32_t n;
	uint32_t reserved; /* 0 */
	struct entry entries[];
};

static size_t size_of(uint32_t n)
{
	return sizeof(struct not_kept) + n * sizeof(struct entry);
}

static const struct entry *find(const struct not_kept *n, unsigned setting, uint64_t value)
{
	for (uint32_t i = 0; n && i < n->n; i++)
		if (n->entries[i].setting == setting && n->entries[i].value == value)
			return &n->entries[i];

	return NULL;
}

bool not_kept_has(const struct not_kept *n, unsigned setting, uint64_t value, unsigned port)
{
	const struct entry *entry = find(n, setting, value);

	return entry && (entry->ports[port / 64 % 4] >> port % 64 & 1);
}

bool not_kept_at(const struct not_kept *n, unsigned port, unsigned at, unsigned *ret_setting,
		 uint64_t *ret_value)
{
	for (uint32_t i = 0; n && i < n->n; i++) {
		const struct entry *entry = &n->entries[i];

		if (!(entry->ports[port / 64 % 4] >> port % 64 & 1) || at-- > 0)
			continue;
		*ret_setting = entry->setting;
		*ret_value = entry->value;
		return true;
	}

	return false;
}

int not_kept_add(struct not_kept **n, unsigned setting, uint64_t value, unsigned port)
{
	const struct entry *known = find(*n, setting, value);
	uint32_t i = known ? (uint32_t)(known - (*n)->entries) : *n ? (*n)->n : 0;

	if (i == NOT_KEPT_MAX)
		return -ENOSPC;
	if (!known) {
		struct not_kept *bigger = realloc(*n, size_of(i + 1));

		if (!bigger)
			return -ENOMEM;
		bigger->n = i + 1;
		bigger->reserved = 0;
		bigger->entries[i] = (struct entry){ .setting = setting, .value = value };
		*n = bigger;
	}
	(*n)->entries[i].ports[port / 64 % 4] |= UINT64_C(1) << port % 64;

	return 0;
}

void not_kept_free(struct not_kept *n)
{
	free(n);
}

const void *not_kept_bytes(const struct not_kept *n, size_t *ret_size)
{
	*ret_size = n ? size_of(n->n) : 0;

	return n;
}

int not_kept_from_bytes(const void *bytes, size_t size, struct not_kept **ret)
{
	struct not_kept head, *n;

	if (size < sizeof(head))
		return -EINVAL;
	memcpy(&head, bytes, sizeof(head));
	if (head.n > NOT_KEPT_MAX || size != size_of(head.n))
		return -EINVAL;
	n = malloc(size);
	if (!n)
		return -ENOMEM;
	memcpy(n, bytes, size);
	for (uint32_t i = 0; i < n->n; i++) {
		if (n->entries[i].setting < SETTINGS_MAX)
			continue;
		free(n);
		return -EINVAL;
	}
	*ret = n;

	return 0;
}
