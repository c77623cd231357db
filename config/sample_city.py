"""An invented city for the demo: its units, people, register and requests, made by the real actions.

Everything follows from one seed and today's date, so two cities made on one day agree. People, names, cases and the
city are invented. The region codes are real, because identity numbers and organ codes are checked against the list:
they are those of a prefecture that was dissolved in 2011, so that no unit of today has them.
"""

from __future__ import annotations

import random  # noqa: TID251 - a seed is the point here; nothing secret is drawn
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from stdnum.cn import ric, uscc

from access import calendar, law
from access.actions import decisions, identity, opening, people, proposals, requests
from access.actions.decisions import Review, Scope
from access.actions.requests import Person
from access.codes import Code, Part
from access.database import Act
from access.identifiers import DocumentType
from access.models import AccessRequest, CasePurpose, Grant, LegalBasis, Organisation, Proposal, UndertakingText, User
from access.models.duty import DANGEROUS, Duty
from access.models.people import OrganisationKind
from access.models.requests import CheckPoint, Outcome
from audit import trail
from config import database, sample_population
from records import actions as records
from records import disclosure, penalties
from records.entry import Entry, Particulars
from records.models import Offence, Violation
from records.penalties import Penalty

SEED = 2026
CITY, DISTRICT, DISTRICT2 = "341400", "341402", "341421"
SESSION = "session of the sample city"


# Units and accounts ------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Unit:
    """One organisation; a code of 12 digits is an organ code, of 8 the middle of a unified social credit code."""

    key: str
    kind: OrganisationKind
    name: str
    name_en: str
    code: str
    region: str
    parent: str = ""
    kind_code: str = ""  # the first two characters of a unified social credit code
    agreement_days: int = 0


@dataclass(frozen=True)
class Account:
    """One person who can sign in, and in words what they may do."""

    username: str
    full_name: str
    unit: str
    duties: tuple[Duty, ...]
    badge: str
    may_zh: str
    may_en: str


K = OrganisationKind
UNITS = (
    Unit("bureau", K.PUBLIC_SECURITY_BUREAU, "云汐市公安局", "Yunxi City Public Security Bureau", "341400000000", CITY),
    Unit("branch", K.PUBLIC_SECURITY_BRANCH, "云汐市公安局望潮分局", "Wangchao Branch, Yunxi Public Security Bureau",
         "341402000000", DISTRICT, "bureau"),
    Unit("branch2", K.PUBLIC_SECURITY_BRANCH, "云汐市公安局听松分局", "Tingsong Branch, Yunxi Public Security Bureau",
         "341421000000", DISTRICT2, "bureau"),
    Unit("station", K.POLICE_STATION, "望潮分局长堤派出所", "Changdi Police Station", "341402510000", DISTRICT, "branch"),
    Unit("station2", K.POLICE_STATION, "听松分局松风派出所", "Songfeng Police Station", "341421520000", DISTRICT2, "branch2"),
    Unit("procuratorate", K.PROCURATORATE, "云汐市望潮区人民检察院", "Wangchao District People's Procuratorate",
         "00310027", DISTRICT, kind_code="11", agreement_days=420),
    Unit("court", K.COURT, "云汐市望潮区人民法院", "Wangchao District People's Court",
         "00310035", DISTRICT, kind_code="11", agreement_days=420),
    Unit("supervision", K.SUPERVISION_ORGAN, "云汐市望潮区监察委员会", "Wangchao District Supervision Commission",
         "MB031004", DISTRICT, kind_code="11", agreement_days=420),
    Unit("hospital", K.HOSPITAL, "云汐市妇幼保健院", "Yunxi Maternity and Children's Hospital",
         "48520116", DISTRICT, kind_code="12", agreement_days=230),
    Unit("school", K.SCHOOL, "云汐市望潮区第一小学", "Wangchao First Primary School",
         "48520124", DISTRICT, kind_code="12", agreement_days=300),
    Unit("school2", K.SCHOOL, "云汐市听松区实验学校", "Tingsong Experimental School",
         "48520132", DISTRICT2, kind_code="12", agreement_days=30),
    Unit("kindergarten", K.KINDERGARTEN, "云汐市望潮区小海螺幼儿园", "Little Conch Kindergarten",
         "MJ034101", DISTRICT, kind_code="52", agreement_days=365),
    Unit("kindergarten2", K.KINDERGARTEN, "云汐市听松区松果幼儿园", "Pine Cone Kindergarten",
         "MJ034102", DISTRICT2, kind_code="52", agreement_days=25),
    Unit("employer", K.EMPLOYER, "云汐潮汐物流有限公司", "Yunxi Tide Logistics Ltd.",
         "MA2TX901", DISTRICT, kind_code="91", agreement_days=180),
)  # fmt: skip

ENTERS = ("录入违法记录、送审、记录送达", "enters violations, submits them, records service")
REVIEWS = ("审核本分局录入的记录", "reviews the records of the branch")
ASKS = ("为本单位提出查询申请、查看结果", "files requests for the unit and opens answers")
DECIDES = ("审批本分局收到的申请", "decides the requests that reach the branch")
ADMINISTERS = (
    "管理单位、人员和协议；两人各交付一半登录码",
    "administers units, people and agreements; two of them hand over half a code each",
)
ASSIGNS = ("分配和收回职责；重要职责由两人共同决定", "gives and withdraws duties; the dangerous ones take two of them")
ACCOUNTS = (
    Account("officer", "沈听澜", "station", (Duty.ENTER_VIOLATIONS,), "341501", *ENTERS),
    Account("officer2", "顾望舒", "station", (Duty.ENTER_VIOLATIONS,), "341502", *ENTERS),
    Account("officer3", "秦海棠", "station2", (Duty.ENTER_VIOLATIONS, Duty.FILE_REQUESTS), "341521",
            "录入违法记录；为办案提出查询申请", "enters violations; files requests for cases"),
    Account("reviewer", "陆怀瑾", "branch", (Duty.CONFIRM_VIOLATIONS,), "341511", *REVIEWS),
    Account("reviewer2", "程静姝", "branch2", (Duty.CONFIRM_VIOLATIONS,), "341531", *REVIEWS),
    Account("supervisor", "贺延川", "branch", (Duty.DECIDE_REQUESTS,), "341512", *DECIDES),
    Account("supervisor2", "苏砚秋", "bureau", (Duty.DECIDE_REQUESTS,), "341401",
            "在市局审批全市申请（第二审批人）", "decides at the city bureau (second approver)"),
    Account("supervisor3", "韩牧野", "branch2", (Duty.DECIDE_REQUESTS,), "341532", *DECIDES),
    Account("kindergarten", "林小满", "kindergarten", (Duty.FILE_REQUESTS,), "", *ASKS),
    Account("kindergarten2", "何知微", "kindergarten2", (Duty.FILE_REQUESTS,), "", *ASKS),
    Account("school", "唐若谷", "school", (Duty.FILE_REQUESTS,), "", *ASKS),
    Account("school2", "马思齐", "school2", (Duty.FILE_REQUESTS,), "",
            "协议已到期，不能申请、不能查看", "the agreement has lapsed: neither files nor opens"),
    Account("hospital", "叶清和", "hospital", (Duty.FILE_REQUESTS,), "", *ASKS),
    Account("court", "方怀远", "court", (Duty.FILE_REQUESTS,), "",
            "凭案号为办案申请查询（两人审批）", "files requests for cases (two approvers)"),
    Account("procuratorate", "白景明", "procuratorate", (Duty.FILE_REQUESTS,), "",
            "凭案号为办案申请查询（两人审批）", "files requests for cases (two approvers)"),
    Account("supervision", "邵予安", "supervision", (Duty.FILE_REQUESTS,), "",
            "凭案号为监察调查申请查询", "files requests for investigations"),
    Account("employer", "钱万里", "employer", (Duty.FILE_REQUESTS,), "",
            "无查询依据：申请在提交前被拒绝", "has no legal basis: is refused before submitting"),
    Account("auditor", "严正清", "bureau", (Duty.OVERSEE,), "341402", "查看并验证审计日志", "reads and verifies the trail"),
    Account("people-admin", "卫承平", "bureau", (Duty.ADMINISTER_PEOPLE,), "341403", *ADMINISTERS),
    Account("people-admin2", "季长宁", "bureau", (Duty.ADMINISTER_PEOPLE,), "341405", *ADMINISTERS),
    Account("security-admin", "罗守一", "bureau", (Duty.ASSIGN_DUTIES,), "341404", *ASSIGNS),
    Account("security-admin2", "裴慎行", "bureau", (Duty.ASSIGN_DUTIES,), "341406", *ASSIGNS),
)  # fmt: skip
# Those who keep the system do so for every unit; outside units have nobody above them. The first of them are set up on
# the server, as `manage.py set_up` does; everybody else is entered by them.
EVERYWHERE = {Duty.ADMINISTER_PEOPLE, Duty.ASSIGN_DUTIES}


def _id_number(body: str) -> str:
    return body + ric.calc_check_digit(body + "0")


# The two people to ask about, to see both answers: the first has sealed records, the second has none.
KNOWN = Person("宋知远", DocumentType.RESIDENT_ID.value, _id_number("34140219880312051"))
UNKNOWN = Person("江予白", DocumentType.RESIDENT_ID.value, _id_number("34140219910726038"))
# Somebody whom the population register does not know: whoever decides compares with the passport.
FOREIGN = Person("Marta Oliveira", DocumentType.PASSPORT.value, "ZX0341402")


def state() -> str:
    """Return `none`, `complete`, `partial` (making it was interrupted) or `foreign` (other organisations are here)."""
    if not Organisation.objects.exists():
        return "none"
    if not Organisation.objects.filter(code=UNITS[0].code, name=UNITS[0].name).exists():
        return "foreign"
    # The lapse of this agreement is the last thing that is made.
    last = Organisation.objects.filter(name=_unit("school2").name, agreement_ends_on__lt=timezone.localdate())
    return "complete" if last.exists() else "partial"


def make(password: str) -> dict[str, int]:
    """Make the city in an empty database, and return how much of each there is."""
    city = _City(password)
    sample_population.register(city.residents)
    city.make_units()
    city.make_violations()
    city.make_requests()
    city.end_an_agreement()
    return city.counts


def set_password(password: str) -> bool:
    """Let every account choose this password with a new code where it is not theirs already; say whether any did."""
    users = list(User.objects.filter(username__in=[account.username for account in ACCOUNTS]))
    if all(user.check_password(password) for user in users[:1]):
        return False
    with database.as_owner(settings.DATA_DIR):
        codes = [(user, people.renew_code(user, by=None).text) for user in users if user.is_active]
    for user, code in codes:
        people.enrol(by=user.username, code=code, password=password)
    return True


def _unit(key: str) -> Unit:
    return next(unit for unit in UNITS if unit.key == key)


def _code(unit: Unit) -> str:
    if not unit.kind_code:
        return unit.code
    body = unit.kind_code + unit.region + unit.code + _organisation_check(unit.code)
    return body + uscc.calc_check_digit(body)


def _organisation_check(code: str) -> str:
    """Return the check character of a GB 11714 organisation code."""
    values = ["0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(char) for char in code]
    rest = 11 - sum(value * weight for value, weight in zip(values, (3, 7, 9, 10, 5, 8, 4, 2), strict=True)) % 11
    return "X" if rest == 10 else str(rest % 11)


# Words -------------------------------------------------------------------------------------------------------------
SURNAMES = "赵孙李周吴郑王冯陈褚蒋朱许吕施张孔曹严华金魏陶姜戚谢邹喻柏窦章潘葛范彭鲁韦昌马苗凤花俞任袁柳酆鲍史费廉岑薛雷倪汤滕殷毕郝邬安常乐于傅皮卞齐康伍余卜孟黄穆萧尹"
GIVEN = [
    "志强",
    "海峰",
    "建华",
    "丽娟",
    "桂芳",
    "文博",
    "俊杰",
    "秀兰",
    "国栋",
    "晓燕",
    "永福",
    "春梅",
    "家豪",
    "雪琴",
    "明辉",
    "玉珍",
    "立新",
    "婷婷",
    "长江",
    "红霞",
    "浩然",
    "美玲",
    "少华",
    "金凤",
    "子轩",
    "淑芬",
    "铁军",
    "彩云",
    "伟东",
    "小红",
    "世杰",
    "惠敏",
    "大勇",
    "翠萍",
    "光明",
    "月娥",
    "正阳",
    "巧云",
    "天佑",
    "素芳",
]
APPOINTED = "经本单位党委研究决定任命。"
ROADS = ("长堤路", "望潮街", "听松巷", "海棠路", "灯塔街", "渔港西路", "松风大道", "银杏里", "观澜路", "石桥巷")
# Where such things happen; the first of an offence's categories that is here says. Anything else happened "along" a road.
PLACES = {
    "GAMBLING": ("棋牌室内", "茶室包间内", "出租屋内"),
    "DRUG_USE": ("出租屋内", "宾馆房间内", "歌厅包间内"),
    "SEXUAL": ("出租屋内", "宾馆房间内"),
    "ABUSE": ("居民楼内",),
    "THEFT": ("农贸市场内", "超市内", "地铁站内", "小区停车场"),
    "VIOLENCE": ("烧烤摊旁", "便利店门前", "小区停车场", "广场东侧"),
    "PROPERTY": ("小区停车场", "商铺门前"),
}
EVIDENCE = (
    "本人陈述和申辩、被侵害人陈述、监控录像",
    "本人供述、证人证言、现场检查笔录",
    "执法记录仪视频、辨认笔录、书证",
    "本人陈述、检测报告、扣押清单",
)
RETURNS = ("缺少告知笔录，请补充后再报。", "处罚幅度与情节不符，请核对并说明理由。", "证据栏未写明监控时段，请补充。")
SCOPE_OF_USE = "仅供作出本次决定的负责人阅看，用后不留存、不外传。"
REASONS = {
    "PRESCHOOL-44": "拟聘用该应聘者为保育员，依法在聘用前查询。",
    "UMPL-62": "招聘密切接触未成年人的岗位工作人员，依法查询。",
    "UMPL-62-ANNUAL": "对在岗教职工进行年度查询。",
    "PSAPL-136-CASE": "办理本案需要核实当事人的治安管理处罚情况。",
}
APPROVES = ("依据与用途相符，查询范围为最小必要，同意。", "公函齐全，理由充分，同意按所请范围查询。")
REFUSES = (
    "申请理由与所引依据不符，不予同意。",
    "查询范围超出用途所必需，不予同意。",
    "公函未加盖单位公章且逾期未补正，不予同意。",
)
RETURN_REASONS = ("公函缺少单位公章，请补正。", "请写明使用范围和知悉人员。")
# What a police station mostly sees; everything else in the catalogue turns up now and then.
FREQUENT = {
    "VIOLENCE": 9,
    "GAMBLING": 8,
    "THEFT": 8,
    "DRUG_USE": 6,
    "PROPERTY": 3,
    "PUBLIC_ORDER": 0.2,
    "SEXUAL": 3,
    "ABUSE": 2,
}
RARE = 0.1
# How many violations end up in each state, by the officer who enters them.
SEALED = {"officer": 130, "officer2": 95, "officer3": 105}
UNSEALED = {"DRAFT": 14, "SUBMITTED": 18, "RETURNED": 9, "CONFIRMED": 19, "DISCARDED": 10}
REVIEWER = {"officer": "reviewer", "officer2": "reviewer", "officer3": "reviewer2"}


class _City:
    def __init__(self, password: str) -> None:
        self.rng = random.Random(SEED)  # noqa: S311
        self.today = timezone.localdate()
        self.password = password
        self.units: dict[str, Organisation] = {}
        self.users: dict[str, User] = {}
        self.offences = [offence for offence in Offence.objects.order_by("code") if _punishable(offence)]
        self.weights = [max([FREQUENT.get(tag, 0) for tag in offence.tags] + [RARE]) for offence in self.offences]
        self.bases = {basis.code: basis for basis in LegalBasis.objects.order_by("version")}
        self.purposes = {purpose.code: purpose for purpose in CasePurpose.objects.order_by("version")}
        persons = self._persons(150, self.rng)
        self.persons = [KNOWN, *(next(persons) for _ in range(119))]
        self.strangers = [UNKNOWN, *(next(persons) for _ in range(30))]
        # Most residents turn up nowhere else: to be in the population register says nothing of records. A number that two
        # people were given by chance is that of the second.
        others = self._persons(600, random.Random(SEED + 1))  # noqa: S311
        self.residents = [*others, *self.persons, *self.strangers]
        self.serial = 0
        # A decision of each person, for the court that reviews one: its number and its day.
        self.decided: dict[str, tuple[str, date]] = {}
        self.counts = {
            "organisations": len(UNITS),
            "people": len(ACCOUNTS),
            "violations": 0,
            "sealed": 0,
            "requests": 0,
        }

    def make_units(self) -> None:
        for unit in UNITS:
            ends_on = self.today + timedelta(days=unit.agreement_days) if unit.agreement_days else None
            self.units[unit.key] = people.create_organisation(
                by=None, name=unit.name, name_en=unit.name_en, kind=unit.kind, code=_code(unit), region_code=unit.region,
                parent=self.units.get(unit.parent), agreement_ends_on=ends_on,
            )  # fmt: skip
        first = [account for account in ACCOUNTS if EVERYWHERE & set(account.duties)]
        with database.as_owner(settings.DATA_DIR):
            codes = {account.username: self._enter(account, by=None) for account in first}
            for account in first:
                for unit in UNITS:
                    if not unit.parent:
                        people.give_duty(self.users[account.username], account.duties[0], self.units[unit.key], by=None)
        for username, code in codes.items():
            people.enrol(by=username, code=code, password=self.password)
        for account in ACCOUNTS:
            if account not in first:
                code = self._enter(account, by=self.users["people-admin"])
                people.enrol(by=account.username, code=code, password=self.password)
                self._give_duties(account)

    def _enter(self, account: Account, *, by: User | None) -> str:
        """Enter a person and return their code: of one administrator, or of two for who gets a dangerous duty."""
        user, code = people.create_user(
            by=by, username=account.username, full_name=account.full_name, badge_number=account.badge,
            organisation=self.units[account.unit], by_two=bool(DANGEROUS & set(account.duties)),
        )  # fmt: skip
        self.users[account.username] = user
        if code.part == Part.WHOLE:
            return code.text
        second = self._enact(Proposal.objects.get(person=user), by=self.users["people-admin2"])
        return code.text + (second.text if second else "")

    def _give_duties(self, account: Account) -> None:
        user, unit = self.users[account.username], self.units[account.unit]
        for duty in account.duties:
            proposal = people.give_duty(user, duty, unit, by=self.users["security-admin"], reason=APPOINTED)
            if proposal:
                self._enact(proposal, by=self.users["security-admin2"])

    def _enact(self, proposal: Proposal, *, by: User) -> Code | None:
        act = Act.proposal(proposal)
        identity.confirm_identity(by=by, session_key=SESSION, act=act, factor="password", proved=True)
        return proposals.enact(proposal, by=by, session_key=SESSION)

    # Violations
    def make_violations(self) -> None:
        for officer, count in SEALED.items():
            for number in range(count):
                about = self.persons[number % len(self.persons)] if officer == "officer" else self._anybody()
                code = "PSAPL2025-051-p1-i1" if (officer, number) == ("officer", 0) else None
                self._violation("SEALED", officer, about, self._long_ago(number, officer), code)
        officers = ("officer", "officer", "officer2", "officer3")
        for state, count in UNSEALED.items():
            for number in range(count):
                self._violation(state, officers[number % 4], self._anybody(), self.rng.randint(4, 40))

    def _long_ago(self, number: int, officer: str) -> int:
        if (officer, number) == ("officer", 0):
            return 60
        return self.rng.randint(25, 5 * 365)

    def _anybody(self) -> Person:
        return self.rng.choice(self.persons)

    def _violation(self, state: str, officer: str, about: Person, days_ago: int, code: str | None = None) -> None:
        by, reviewer = self.users[officer], self.users[REVIEWER[officer]]
        # Nobody is punished for what they did under fourteen (PSAPL Article 12): the young did theirs later.
        fifteen = date(int(about.number[6:10]) + 15, 1, 1)
        acted_on = max(self.today - timedelta(days=days_ago), fifteen)
        entry = self._entry(by, about, acted_on, code)
        if state == "DRAFT" and self.rng.random() < 0.5:
            entry = replace(
                entry, particulars=replace(entry.particulars, evidence="", decision_number=""), decided_on=None
            )
        violation = records.save_draft(None, entry, by=by)
        self.counts["violations"] += 1
        if state == "DRAFT":
            if officer == "officer":
                records.name_co_officer(violation, by=by, co_officer=self.users["officer2"])
            return
        if state == "DISCARDED":
            records.discard(violation, by=by)
            return
        violation = records.submit(violation, by=by, version=violation.version)
        if state == "RETURNED":
            records.return_for_correction(
                violation, by=reviewer, version=violation.version, remark=self.rng.choice(RETURNS)
            )
        elif state in {"CONFIRMED", "SEALED"}:
            violation = records.confirm(violation, by=reviewer, version=violation.version)
        if state == "SEALED":
            self._serve(violation, reviewer)
            self.counts["sealed"] += 1
            self.decided[about.number] = (entry.particulars.decision_number, entry.decided_on or self.today)

    def _serve(self, violation: Violation, reviewer: User) -> None:
        served_on = min((violation.decided_on or self.today) + timedelta(days=self.rng.randint(0, 3)), self.today)
        records.record_service(violation, by=reviewer, served_on=served_on)

    def _entry(self, by: User, about: Person, acted_on: date, code: str | None) -> Entry:
        self.serial += 1
        offence = self._offence(acted_on, code)
        decided_on = min(acted_on + timedelta(days=self.rng.randint(1, 12)), self.today)
        place = next((PLACES[tag] for tag in PLACES if tag in offence.tags), ("沿线",))
        where = self.rng.choice(ROADS) + self.rng.choice(place)
        return Entry(
            particulars=Particulars(
                name=about.name,
                document_type=about.document_type,
                number=about.number,
                address=f"云汐市{self.rng.choice(ROADS)}{self.rng.randint(1, 280)}号{self.rng.randint(1, 18)}幢",
                facts=(
                    f"{acted_on.year}年{acted_on.month}月{acted_on.day}日{self.rng.randint(8, 23)}时许，违法行为人在云汐市"
                    f"{where}有“{offence.name_zh}”的行为，被当场查获或者经群众报警后查明。"
                ),
                evidence=self.rng.choice(EVIDENCE) + "。",
                case_number=f"A{by.organisation.code}{decided_on:%Y%m}{self.serial % 10000:04d}",
                decision_number=f"云公（治）行罚决字〔{decided_on.year}〕{self.serial:05d}号",
            ),
            offence=offence,
            acted_on=acted_on,
            decided_on=decided_on,
            penalty=self._penalty(offence),
        )

    def _offence(self, acted_on: date, code: str | None) -> Offence:
        in_force = [
            (offence, weight)
            for offence, weight in zip(self.offences, self.weights, strict=True)
            if offence.valid_from <= acted_on and (offence.valid_until is None or acted_on <= offence.valid_until)
        ]
        wanted = [offence for offence, _weight in in_force if offence.code == code]
        return wanted[0] if wanted else self.rng.choices(*zip(*in_force, strict=True))[0]

    def _penalty(self, offence: Offence) -> Penalty:
        """Draw from what the law provides."""
        choices = [choice for band in penalties.from_data(offence.bands) for choice in band.choices if not choice.gains]
        choice = self.rng.choices(choices, weights=[1 / (rank + 1) for rank in range(len(choices))])[0]
        fined = choice.fine is not None and (not choice.fine_optional or self.rng.random() < 0.5)
        return Penalty(
            warning=choice.warning,
            detention_days=self.rng.randint(choice.detention.least, choice.detention.most) if choice.detention else 0,
            fine_yuan=self._fine(choice.fine) if fined and choice.fine else 0,
        )

    def _fine(self, limits: penalties.Range) -> int:
        return max(limits.least, self.rng.randint(limits.least, limits.most) // 100 * 100)

    # People
    def _persons(self, count: int, rng: random.Random) -> Iterator[Person]:
        """Yield invented people: most grown up, some minors when they did it, some old."""
        seen = {KNOWN.number, UNKNOWN.number}
        names = {KNOWN.name, UNKNOWN.name}
        while count:
            age_days = rng.choices((rng.randint(22, 62), rng.randint(16, 18), rng.randint(71, 79)), (88, 7, 5))[
                0
            ] * 365 + rng.randint(200, 330)
            birth = self.today - timedelta(days=age_days)
            region = rng.choice((DISTRICT, DISTRICT, DISTRICT2, "341422"))
            body = f"{region}{birth:%Y%m%d}{rng.randint(1, 998):03d}"
            number = _id_number(body)
            name = rng.choice(SURNAMES) + rng.choice(GIVEN)
            if number in seen or name in names:
                continue
            seen.add(number)
            names.add(name)
            count -= 1
            yield Person(name, DocumentType.RESIDENT_ID.value, number)

    # Requests
    def make_requests(self) -> None:
        """Make sixty requests; those that wait for somebody in the story of the demo come last and are the newest."""
        self._lapsed(("hospital", "UMPL-62"), ("school", "UMPL-62"), ("court", "PSAPL-136-CASE"))
        for plan in _plans(10, "school2 kindergarten court hospital school2 procuratorate"):
            access_request = self._submitted(*plan)
            for decider in self._deciders(access_request):
                self._decide(
                    decisions.refuse,
                    access_request,
                    by=decider,
                    version=access_request.version,
                    review=self._review(access_request, REFUSES),
                )
        for plan in _plans(6, "kindergarten2 school supervision"):
            access_request = self._submitted(*plan)
            requests.withdraw(access_request, by=access_request.requester, version=access_request.version)
        for number, plan in enumerate(_plans(5, "hospital kindergarten2 court school procuratorate")):
            grant = self._approved(*plan, hours=1, openings=1)
            if number < 3:
                decisions.revoke(grant, by=self._deciders(grant.access_request)[0], reason="申请单位来函说明不再需要。")
            else:
                self._open(grant, times=grant.openings_allowed)
        for plan in _plans(4, "hospital school officer3 kindergarten2"):
            self._open(self._approved(*plan), times=1)
        for plan in _plans(5, "kindergarten court hospital school kindergarten2"):
            access_request = self._submitted(*plan)
            self._decide(
                decisions.return_for_correction,
                access_request,
                by=self._deciders(access_request)[0],
                version=access_request.version,
                review=self._review(access_request, RETURN_REASONS),
            )
        for plan in _plans(6, "kindergarten kindergarten court school hospital officer3"):
            self._draft(*plan)
        for plan in _plans(11, "hospital school kindergarten2 supervision kindergarten procuratorate officer3"):
            self._submitted(*plan)
        for days_late, plan in enumerate(_plans(3, "school hospital kindergarten"), 1):
            self._make_overdue(self._submitted(*plan), days_late)
        for username in ("school", "officer3"):
            self._approved(username)
        self._story()

    def _story(self) -> None:
        """What the accounts of the demo find waiting: one decision, one second vote, two answers to be opened."""
        self._submitted("kindergarten", "PRESCHOOL-44", [KNOWN, FOREIGN])
        half_decided = self._submitted("court", "PSAPL-136-CASE", [KNOWN], purpose="REVIEW")
        first = self._deciders(half_decided)[0]
        self._decide(
            decisions.approve,
            half_decided,
            by=first,
            version=half_decided.version,
            review=self._review(half_decided, APPROVES),
            scope=self._scope(half_decided),
        )
        self._approved("court", "PSAPL-136-CASE", [KNOWN], purpose="REVIEW")
        self._approved("kindergarten", "PRESCHOOL-44", [KNOWN, UNKNOWN])
        self._approved("kindergarten", "UMPL-62", [UNKNOWN])

    def _draft(
        self, username: str, code: str = "", about: list[Person] | None = None, *, purpose: str = ""
    ) -> AccessRequest:
        by = self.users[username]
        kind = by.organisation.kind
        code = code or self.rng.choice(
            {
                K.KINDERGARTEN: ("PRESCHOOL-44", "UMPL-62", "UMPL-62-ANNUAL"),
                K.SCHOOL: ("UMPL-62", "UMPL-62-ANNUAL"),
                K.HOSPITAL: ("UMPL-62",),
            }.get(OrganisationKind(kind), ("PSAPL-136-CASE",))
        )
        basis = self.bases[code]
        if basis.needs_case_purpose:
            purpose = purpose or self.rng.choice(CASE_PURPOSES[OrganisationKind(kind)])
        number = 5 if code == "UMPL-62-ANNUAL" else 1
        about = about or [self.rng.choice(self.rng.choice((self.persons, self.strangers))) for _ in range(number)]
        wanted = self.purposes.get(purpose)
        reviewed, reviewed_on = self.decided.get(about[0].number, ("云公（治）行罚决字〔2026〕00001号", self.today))
        particulars = requests.Particulars(
            reason=REASONS[code],
            scope_of_use=SCOPE_OF_USE,
            case_number=self._case_number(by) if basis.needs_case_number else "",
            decision_number=reviewed if wanted and wanted.names_decision else "",
            people=list(dict.fromkeys(about)),
        )
        access_request = requests.save_draft(
            None,
            particulars,
            version=None,
            by=by,
            basis=basis,
            case_purpose=wanted,
            asked_rung=law.highest_rung(basis, wanted),
            asked_from=self.today - timedelta(days=3 * 365) if wanted and wanted.case_bound else None,
            act_on=self.today - timedelta(days=self.rng.randint(1, 20)) if wanted and wanted.counts_from_act else None,
            act_kind="THEFT" if wanted and wanted.same_kind else "",
            decision_on=reviewed_on if wanted and wanted.names_decision else None,
        )
        requests.attach_letter(
            access_request,
            version=access_request.version,
            by=by,
            name="公函.pdf",
            media_type="application/pdf",
            content=_letter(access_request.number),
        )
        access_request.refresh_from_db()
        self.counts["requests"] += 1
        return access_request

    def _submitted(
        self, username: str, code: str = "", about: list[Person] | None = None, *, purpose: str = ""
    ) -> AccessRequest:
        access_request = self._draft(username, code, about, purpose=purpose)
        return requests.submit(access_request, by=access_request.requester, version=access_request.version)

    def _approved(
        self,
        username: str,
        code: str = "",
        about: list[Person] | None = None,
        *,
        purpose: str = "",
        hours: int = 72,
        openings: int = 3,
    ) -> Grant:
        access_request = self._submitted(username, code, about, purpose=purpose)
        for decider in self._deciders(access_request):
            access_request = self._decide(
                decisions.approve,
                access_request,
                by=decider,
                version=access_request.version,
                review=self._review(access_request, APPROVES),
                scope=self._scope(access_request, hours=hours, openings=openings),
            )
        return access_request.grant

    def _decide(
        self,
        decision: Callable[..., AccessRequest],
        access_request: AccessRequest,
        *,
        by: User,
        version: int,
        **values: Any,
    ) -> AccessRequest:
        """Vote as a person does: only after proving, for this one vote, who they are."""
        outcome = {decisions.refuse: Outcome.REFUSE, decisions.return_for_correction: Outcome.RETURN}.get(
            decision, Outcome.APPROVE
        )
        act = decisions.act_of(access_request, version, outcome, values.get("scope"))
        identity.confirm_identity(by=by, session_key=SESSION, act=act, factor="password", proved=True)
        return decision(access_request, by=by, session_key=SESSION, version=version, **values)

    def _open(self, grant: Grant, *, times: int) -> None:
        requester = grant.access_request.requester
        opening.sign_undertaking(
            grant, by=requester, signed_name=requester.full_name, text=UndertakingText.objects.to_sign(requester)
        )
        identity.confirm_identity(
            by=requester, session_key=SESSION, act=Act.opening(grant), factor="password", proved=True
        )
        subjects = list(grant.access_request.current_subjects)
        for number in range(times):
            subject = subjects[number % len(subjects)]
            disclosure.open_answer(grant, subject, by=requester, session_key=SESSION, token=self._token())

    def _token(self) -> uuid.UUID:
        return uuid.UUID(int=self.rng.getrandbits(128), version=4)

    def _lapsed(self, *plans: tuple[str, str]) -> None:
        for username, code in plans:
            access_request = self._submitted(username, code)
            decider = self._deciders(access_request)[0]
            self._decide(
                decisions.return_for_correction,
                access_request,
                by=decider,
                version=access_request.version,
                review=self._review(access_request, RETURN_REASONS),
            )
        for _plan in plans:
            requests.lapse_one(trail.database_now() + timedelta(days=60))

    def _make_overdue(self, access_request: AccessRequest, days_late: int) -> None:
        """Shift the clock of one request back: the one thing here that no action can do."""
        day, working = self.today - timedelta(days=days_late), calendar.load()
        while not working.is_working(day):  # no deadline falls on a day off
            day -= timedelta(days=1)
        due_at = datetime.combine(day, calendar.CLOSING_TIME, calendar.ZONE)
        back = (access_request.due_at or due_at) - due_at
        # The application may not touch a submitted request: the owner does it, with history and event as for anybody.
        with database.as_owner(settings.DATA_DIR), transaction.atomic(), connection.cursor() as owner:
            owner.execute(
                "update access_accessrequest set version = version + 1, due_at = due_at - %(back)s::interval, created_at = created_at - %(back)s::interval,"
                " submitted_at = submitted_at - %(back)s::interval where id = %(id)s",
                {"back": str(back), "id": access_request.pk},
            )
            owner.execute("select access_keep_request(%s, null)", [access_request.pk])
            owner.execute(
                "select audit_write('REQUEST_EDITED', null, null, 'access.accessrequest', %s, '{}')",
                [str(access_request.pk)],
            )

    def _deciders(self, access_request: AccessRequest) -> list[User]:
        first = {"branch": "supervisor", "branch2": "supervisor3"}
        near = next(first[key] for key in first if self.units[key].pk == access_request.receiving_organ_id)
        return [self.users[near], self.users["supervisor2"]][: access_request.approvals_needed]

    def _review(self, access_request: AccessRequest, reasons: tuple[str, ...]) -> Review:
        answers = dict.fromkeys(decisions.points(access_request), True)
        if reasons is not APPROVES:
            answers[CheckPoint.DOCUMENTS if reasons is RETURN_REASONS else CheckPoint.SCOPE] = False
        return Review(checklist=answers, reason=self.rng.choice(reasons))

    def _scope(self, access_request: AccessRequest, *, hours: int = 72, openings: int = 3) -> Scope:
        basis = access_request.basis
        return Scope(
            rung=access_request.asked_rung,
            hours=min(hours, basis.grant_hours),
            openings=min(openings, basis.grant_openings),
            window_from=decisions.widest_window(access_request, self.today),
        )

    def _case_number(self, by: User) -> str:
        self.serial += 1
        year = self.today.year
        if by.organisation.is_police:
            return f"A{by.organisation.code}{self.today:%Y%m}{self.serial % 10000:04d}"
        return {
            K.COURT: f"（{year}）皖1402刑初{self.serial}号",
            K.PROCURATORATE: f"云望检刑诉〔{year}〕{self.serial}号",
        }.get(OrganisationKind(by.organisation.kind), f"云望监立〔{year}〕{self.serial}号")

    def end_an_agreement(self) -> None:
        """Let one agreement lapse, as its administrator would; `state` knows by it that the city is complete."""
        people.change_agreement(
            self.units["school2"], by=self.users["people-admin"], ends_on=self.today - timedelta(days=12)
        )


CASE_PURPOSES = {
    K.COURT: ("REVIEW", "CRIM-THEFT", "CRIM-DEFAME"),
    K.PROCURATORATE: ("CRIM-ARREST", "CRIM-THEFT"),
    K.SUPERVISION_ORGAN: ("SUPERVISE-18",),
    K.POLICE_STATION: ("CASE-AGG-22", "CRIM-EXTORT"),
}


def _plans(count: int, usernames: str) -> Iterator[tuple[str]]:
    """Yield who asks, in turn."""
    names = usernames.split()
    for number in range(count):
        yield (names[number % len(names)],)


def _punishable(offence: Offence) -> bool:
    """Leave out the offences whose penalty another article holds; each of those is a case for a lawyer."""
    return any(not choice.gains for band in penalties.from_data(offence.bands) for choice in band.choices)


def _letter(number: str) -> bytes:
    """Return a PDF of one page with one line."""
    text = f"Official letter {number} (invented)"
    stream = f"BT /F1 18 Tf 72 720 Td ({text}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
    ]
    body, offsets = b"%PDF-1.4\n", []
    for index, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (index, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    return body + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (size, table, size, len(body))
    )
