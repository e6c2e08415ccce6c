package connect

import (
	"testing"

	"go.uber.org/goleak"

	"docket/internal/pgtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Wrap(m)) }
