package gateway

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/auth"
	"fashen/internal/oidc"
	"fashen/internal/rpc"
)

const (
	startPath   = "/auth/signin"
	refreshPath = "/auth/refresh"
	signOutPath = "/auth/signout"
	// homePath is where who signed in goes, unless they came from elsewhere.
	homePath = "/docs"
	// pendingLife is how long somebody may take to sign in at the issuer.
	pendingLife = 10 * time.Minute
	// refreshLife is how long the directory renews a session.
	refreshLife = 12 * time.Hour
	// signInTimeout bounds one step of a sign-in, the issuer's answers included.
	signInTimeout = 20 * time.Second
	// maxTrades bounds how many codes are traded at a time: strangers can begin
	// sign-ins, and each makes us call the issuer.
	maxTrades = 32
)

// Browser is what signing in with a browser needs; all fields are required.
type Browser struct {
	// SignIn is the issuer.
	SignIn *oidc.SignIn
	// RedirectURL is [oidc.CallbackPath] of this gateway as browsers reach it. Cookies are
	// Secure unless it is http, which is for the own machine.
	RedirectURL string
	// CookieKey seals the cookie of a sign-in that was started; 32 bytes that
	// gateways behind one address share.
	CookieKey []byte
	// Clock tells the time.
	Clock func() time.Time
}

// browser signs people in with a browser at an issuer outside, and lets their
// cookies stand for the access token on this gateway's own pages. It keeps nothing:
// what is pending is in a sealed cookie, and the session is the directory's.
type browser struct {
	cookies

	signIn   *oidc.SignIn
	sessions directoryv1.SessionServiceClient
	origins  *http.CrossOriginProtection
	log      *slog.Logger
	// trades holds one token for each code that is being traded.
	trades chan struct{}
}

func newBrowser(o Browser, sessions directoryv1.SessionServiceClient, log *slog.Logger) (*browser, error) {
	at, err := url.Parse(o.RedirectURL)
	if err != nil || o.SignIn == nil || o.Clock == nil {
		return nil, errors.New("gateway: a browser needs a sign-in, a redirect URL and a clock")
	}
	jar, err := newCookies(at.Scheme != "http", o.CookieKey, o.Clock)
	if err != nil {
		return nil, err
	}
	origins := http.NewCrossOriginProtection()
	// A proxy may ask under another host name than browsers do.
	if err := origins.AddTrustedOrigin(at.Scheme + "://" + at.Host); err != nil {
		return nil, fmt.Errorf("gateway: redirect URL: %w", err)
	}
	return &browser{
		cookies: jar, signIn: o.SignIn, sessions: sessions, origins: origins, log: log, trades: make(chan struct{}, maxTrades),
	}, nil
}

// start sends the browser to the issuer.
func (b *browser) start(w http.ResponseWriter, r *http.Request, _ *call) error {
	back := r.URL.Query().Get("return")
	if back == "" {
		back = homePath
	}
	if !localPath(back) {
		return rpc.Field("return", "RETURN_PATH_INVALID", "只能返回本站的地址，应当以 / 开头")
	}
	ctx, cancel := context.WithTimeout(r.Context(), signInTimeout)
	defer cancel()
	address, started, err := b.signIn.Start(ctx)
	if err != nil {
		return b.issuerFailed(ctx, err)
	}
	if err := b.setPending(w, pending{Pending: started, Return: back}); err != nil {
		return err
	}
	http.Redirect(w, r, address, http.StatusFound)
	return nil
}

// finish takes the browser back from the issuer and begins a session. The page it
// answers goes on by itself: it is this site's own step, so that cookies which no
// other site can cause to be sent are sent with it.
func (b *browser) finish(w http.ResponseWriter, r *http.Request, c *call) error {
	started, ok := b.pending(r)
	b.clear(w, b.pendingCookie())
	query := r.URL.Query()
	if !ok || subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(started.State)) != 1 {
		return rpc.New(codes.Unauthenticated, "SIGN_IN_STATE", "登录已超时，或者不是在本浏览器发起的，请重新登录")
	}
	if iss := query.Get("iss"); iss != "" && iss != b.signIn.Issuer() {
		return rpc.New(codes.Unauthenticated, "SIGN_IN_ISSUER", "登录结果不是由所设的统一身份认证系统返回的")
	}
	if query.Get("error") != "" {
		return rpc.New(codes.Unauthenticated, "SIGN_IN_DENIED", "统一身份认证系统没有同意登录")
	}
	select {
	case b.trades <- struct{}{}:
		defer func() { <-b.trades }()
	default:
		return rpc.New(codes.ResourceExhausted, "SIGN_INS_BUSY", "同时登录的人过多，请稍后重试")
	}
	ctx, cancel := context.WithTimeout(r.Context(), signInTimeout)
	defer cancel()
	who, err := b.signIn.Finish(ctx, started.Pending, query.Get("code"))
	if err != nil {
		return b.issuerFailed(ctx, err)
	}
	session, err := b.sessions.BeginSession(withAuthorization(ctx, c, ""), &directoryv1.BeginSessionRequest{
		Login: who.Login, IssueTime: timestamppb.New(who.Issued),
	})
	if err != nil {
		return err
	}
	b.setSession(w, session)
	return writePage(w, http.StatusOK, page{Message: "登录成功，正在进入……", Next: started.Return, Link: started.Return, Label: "进入"})
}

// refresh renews the session of the cookies.
func (b *browser) refresh(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := b.sameOrigin(r); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), signInTimeout)
	defer cancel()
	session, err := b.renew(ctx, r, c)
	if err != nil {
		if status.Code(err) == codes.Unauthenticated {
			b.clearSession(w)
		}
		return err
	}
	b.setSession(w, session)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (b *browser) renew(ctx context.Context, r *http.Request, c *call) (*directoryv1.Session, error) {
	token := b.value(r, b.refreshCookie())
	if token == "" {
		return nil, rpc.New(codes.Unauthenticated, rpc.ReasonTokenMissing, "请先登录")
	}
	return b.sessions.RefreshSession(withAuthorization(ctx, c, ""), &directoryv1.RefreshSessionRequest{RefreshToken: token})
}

// signOut ends the session of the cookies, also where its access token has ended
// already, and takes the cookies away whatever became of it.
func (b *browser) signOut(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := b.sameOrigin(r); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), signInTimeout)
	defer cancel()
	b.clearSession(w)
	err := b.end(ctx, c, b.value(r, b.sessionCookie()))
	if status.Code(err) == codes.Unauthenticated {
		var session *directoryv1.Session
		if session, err = b.renew(ctx, r, c); err == nil {
			err = b.end(ctx, c, session.GetAccessToken())
		}
	}
	if err != nil && status.Code(err) != codes.Unauthenticated {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (b *browser) end(ctx context.Context, c *call, token string) error {
	_, err := b.sessions.SignOut(withAuthorization(ctx, c, token), &directoryv1.SignOutRequest{})
	return err
}

// withAuthorization sends the metadata of a call with another token, or none.
func withAuthorization(ctx context.Context, c *call, token string) context.Context {
	md := c.metadata.Copy()
	md.Delete(auth.MetadataUser)
	if token != "" {
		md.Set(auth.MetadataUser, "Bearer "+token)
	}
	return metadata.NewOutgoingContext(ctx, md)
}

// authorization is the token of the cookie as a header would bring it; empty where
// there is none, or where another site caused the request. What changes something
// must come from this site.
func (b *browser) authorization(r *http.Request) (string, error) {
	token := b.value(r, b.sessionCookie())
	if token == "" {
		return "", nil
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
			return "", nil
		}
	default:
		if err := b.sameOrigin(r); err != nil {
			return "", err
		}
	}
	return "Bearer " + token, nil
}

// sameOrigin refuses what a browser does not say to come from this site's own pages.
func (b *browser) sameOrigin(r *http.Request) error {
	told := r.Header.Get("Sec-Fetch-Site") != "" || r.Header.Get("Origin") != ""
	if told && b.origins.Check(r) == nil {
		return nil
	}
	return rpc.New(codes.PermissionDenied, "CROSS_ORIGIN", "请求不是由本站页面发出的，已拒绝")
}

// issuerFailed is what a person is told; the log has the cause.
func (b *browser) issuerFailed(ctx context.Context, err error) error {
	b.log.WarnContext(ctx, "a sign-in with a browser failed", "error", err)
	switch {
	case errors.Is(err, oidc.ErrRefused):
		return rpc.New(codes.Unauthenticated, "SIGN_IN_REFUSED", "登录码无效、已经用过或者已经过期，请重新登录")
	case errors.Is(err, auth.ErrInvalidToken), errors.Is(err, auth.ErrExpiredToken):
		return rpc.New(codes.Unauthenticated, rpc.ReasonTokenInvalid, "统一身份认证系统给出的身份令牌无效")
	}
	return rpc.New(codes.Unavailable, rpc.ReasonUnavailable, "统一身份认证系统暂时不可用，请稍后重试")
}

// localPath tells whether a browser stays on this site when it goes to a path. A
// backslash is a slash to browsers, and two slashes begin a host.
func localPath(path string) bool {
	u, err := url.Parse(path)
	return err == nil && len(path) <= 2000 && u.Scheme == "" && u.Host == "" && u.User == nil &&
		strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") && !strings.Contains(path, `\`) && printable(path)
}
