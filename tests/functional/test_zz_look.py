import os, re, pytest, base64
from pathlib import Path
from access.models import User
from tests.functional import test_accessibility as a

OUT = Path("/tmp/team/look")
ROLES = {
    "": a.of_anybody,
    "officer": a.of_officer,
    "reviewer": a.of_reviewer,
    "kindergarten": a.of_kindergarten,
    "supervisor": a.of_supervisor,
    "auditor": a.of_auditor,
    "people-admin": a.of_people_admin,
    "security-admin": a.of_security_admin,
}
LOOK = os.environ.get("LOOK", "en:light:1280").split(",")
ONLY = os.environ.get("ONLY", "").split(",") if os.environ.get("ONLY") else list(ROLES)


@pytest.mark.browser
def test_look(city_site, visit):
    for look in LOOK:
        language, scheme, width = look.split(":")
        for role in ONLY:
            user = User.objects.get(username=role or "officer")
            page = visit(city_site, user=user, language=language, scheme=scheme, width=int(width))
            if not role:
                page.context.clear_cookies()
            for n, address in enumerate(ROLES[role](city_site)):
                page.goto(address)
                shot = page.screenshot(full_page=True)
                (OUT / f"{language}-{scheme}-{width}-{role or 'anon'}-{n:02}.png").write_bytes(shot)
            page.context.close()
    # sheets
    for look in LOOK:
        language, scheme, width = look.split(":")
        per = 3 if width == "1280" else 6
        files = sorted(OUT.glob(f"{language}-{scheme}-{width}-*.png"))
        page = visit(city_site, width=1950)
        for k in range(0, len(files), per):
            chunk = files[k : k + per]
            w = 1950 // per - 6
            html = (
                "<body style='margin:0;background:#888;display:flex;gap:6px;align-items:flex-start'>"
                + "".join(
                    f"<div style='width:{w}px'><div style='background:#fff'>{f.stem}</div><img style='width:{w}px' src='data:image/png;base64,{base64.b64encode(f.read_bytes()).decode()}'></div>"
                    for f in chunk
                )
                + "</body>"
            )
            page.set_content(html)
            page.screenshot(path=OUT / f"sheet-{language}-{scheme}-{width}-{k // per:02}.png", full_page=True)
