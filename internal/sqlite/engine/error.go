package engine

import (
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"
)

// failure is an error of SQLite.
type failure struct {
	code sqlite.ResultCode
	error
}

func (f *failure) Unwrap() error { return f.error }

// failed returns an error of the library as a *failure.
func failed(err error) error {
	if err == nil {
		return nil
	}
	return &failure{sqlite.ErrCode(err), fmt.Errorf("%w (%v)", err, sqlite.ErrCode(err))}
}

// Code returns the extended SQLite result code in err, ResultOK when it has none.
func Code(err error) sqlite.ResultCode {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.code
	}
	return sqlite.ResultOK
}
