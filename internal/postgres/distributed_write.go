package postgres

import (
	"fmt"
	"strings"

	"docket/internal/postgres/column"
)

// createOnShardSQL is createSQL and createFreshSQL as a call of docket.create_task.
var createOnShardSQL = func() *statement[*request] {
	var values strings.Builder
	for _, c := range column.All {
		if c.Value != nil {
			fmt.Fprintf(&values, ", @%s::%s", c.Name, c.SQLType)
		}
	}
	return operationParameters.compile("SELECT c.version, c.outcome FROM docket.create_task(@user_id::text, @epoch::bigint, @limit::bigint, @fresh::boolean" + values.String() + ") AS c")
}()

// createManyOnShardSQL is createManySQL in two statements, because Citus sends none that
// inserts in a WITH to a shard. The first returns no row when the owner would have too
// many tasks; the second has then done something else, which must be rolled back.
var createManyOnShardSQL = []*statement[*bulk]{
	bulkParameters.compile(`INSERT INTO docket.owners AS x (user_id, epoch, counter, live, trash) VALUES (@user_id::text, @epoch::bigint, @n::bigint, @n, 0)
ON CONFLICT (user_id) DO UPDATE SET counter = x.counter + @n, live = x.live + @n WHERE x.live <= @limit::bigint - @n
RETURNING x.counter`),
	bulkParameters.compile(insertMany("x.counter - @n::bigint + i.n", "docket.owners", "x.user_id = @user_id")),
}
