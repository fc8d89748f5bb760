/*
** relate.h: relationships inside SQLite.
**
** With the extension loaded, the foreign keys of any database become
** relationships that SQL can name, count, change and draw:
**
**     .load ./relate
**     SELECT name, cardinality, because FROM relationship_list;
**     SELECT relationship('students.courses', 'inverse', 'courses.students',
**                         'through', 'student_course');
**     SELECT relationship_function('enroll', 'relate', 'students.courses');
**     SELECT enroll(1, 2);
**
** A program loads it like any extension:
**
**     sqlite3_enable_load_extension(db, 1);
**     sqlite3_load_extension(db, "./relate", 0, &message);
**
** or links it in: compile with -DSQLITE_CORE and give SQLite the entry point
** before the first connection is opened, so that every connection has it:
**
**     sqlite3_auto_extension((void (*)(void))sqlite3_relate_init);
**
** What relate keeps in a file is ordinary tables, indexes and triggers of
** built-in SQL: programs without the extension read and write it as before.
*/
#ifndef RELATE_H
#define RELATE_H

#ifndef SQLITE_CORE
#include <sqlite3ext.h>
#else
#include <sqlite3.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define RELATE_VERSION "0.1.0"

#if defined(_WIN32)
#define RELATE_API __declspec(dllexport)
#else
#define RELATE_API __attribute__((visibility("default")))
#endif

/*
** The entry point.  Registers the functions and tables of relate on `db`.
** Never writes to a file.  Loading it twice is harmless.  Fails, with a
** message for sqlite3_free(), only when SQLite is older than 3.37 or memory
** runs out.
*/
RELATE_API int sqlite3_relate_init(sqlite3 *db, char **message,
                                   const struct sqlite3_api_routines *api);

#ifdef __cplusplus
}
#endif
#endif
