"""Organisations, and the people who act for them."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any, ClassVar, Never

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import check_password, get_hasher, identify_hasher, make_password
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase
from simple_history.models import HistoricalRecords

from access import vault
from access.models.duty import Duty


def history(**options: Any) -> HistoricalRecords:
    """Keep every version of a row, with the plain id of who made it (a user row is never a foreign key here)."""
    return HistoricalRecords(
        history_user_id_field=models.UUIDField(null=True),
        history_user_getter=lambda historical: User.objects.filter(pk=historical.history_user_id).first(),
        history_user_setter=lambda historical, user: setattr(historical, "history_user_id", user and user.pk),
        get_user=lambda instance, **_: None,  # actions say who, by `_history_user`; a web request does not
        **options,
    )


class OrganisationKind(models.TextChoices):
    PUBLIC_SECURITY_BUREAU = "PUBLIC_SECURITY_BUREAU", _("Public security bureau")
    PUBLIC_SECURITY_BRANCH = "PUBLIC_SECURITY_BRANCH", _("Public security branch")
    POLICE_STATION = "POLICE_STATION", _("Police station")
    PROCURATORATE = "PROCURATORATE", _("People's procuratorate")
    COURT = "COURT", _("People's court")
    SUPERVISION_ORGAN = "SUPERVISION_ORGAN", _("Supervision organ")
    CIVIL_AFFAIRS = "CIVIL_AFFAIRS", _("Civil affairs department")
    EDUCATION_AUTHORITY = "EDUCATION_AUTHORITY", _("Education authority")
    CULTURE_AUTHORITY = "CULTURE_AUTHORITY", _("Culture authority")
    CIVIL_AVIATION_AUTHORITY = "CIVIL_AVIATION_AUTHORITY", _("Civil aviation authority")
    SCHOOL = "SCHOOL", _("School")
    KINDERGARTEN = "KINDERGARTEN", _("Kindergarten")
    TRAINING_INSTITUTION = "TRAINING_INSTITUTION", _("Training institution")
    WELFARE_INSTITUTION = "WELFARE_INSTITUTION", _("Welfare institution")
    CHILDCARE = "CHILDCARE", _("Childcare institution")
    RESCUE_INSTITUTION = "RESCUE_INSTITUTION", _("Rescue institution for minors")
    AFTER_SCHOOL_CARE = "AFTER_SCHOOL_CARE", _("After-school care")
    DOMESTIC_SERVICE = "DOMESTIC_SERVICE", _("Domestic-service firm")
    HOSPITAL = "HOSPITAL", _("Hospital")
    TRANSPORT_OPERATOR = "TRANSPORT_OPERATOR", _("Public transport operator")
    NETWORK_OPERATOR = "NETWORK_OPERATOR", _("Network operator")
    SECURITY_COMPANY = "SECURITY_COMPANY", _("Security company")
    ENTERTAINMENT_VENUE = "ENTERTAINMENT_VENUE", _("Entertainment venue")
    NOTARY_OFFICE = "NOTARY_OFFICE", _("Notary office")
    EMPLOYER = "EMPLOYER", _("Other employer")


POLICE_KINDS = frozenset(
    {
        OrganisationKind.PUBLIC_SECURITY_BUREAU,
        OrganisationKind.PUBLIC_SECURITY_BRANCH,
        OrganisationKind.POLICE_STATION,
    }
)
JUDICIAL_KINDS = frozenset({OrganisationKind.PROCURATORATE, OrganisationKind.COURT, OrganisationKind.SUPERVISION_ORGAN})


class Audience(models.TextChoices):
    """Who signs which undertaking: police officers are bound by rules of their own, and courts put answers into files."""

    POLICE = "POLICE", _("police officers")
    JUDICIAL = "JUDICIAL", _("courts, procuratorates and supervision organs")
    OTHERS = "OTHERS", _("everybody else")


class OrganisationQuerySet(models.QuerySet["Organisation"]):
    def reached_by(self, user: User, duty: Duty) -> OrganisationQuerySet:
        """Keep the units that this person's duty reaches: those where it was given, and all below."""
        reaching = (
            held_duties()
            .filter(user=user, permission__codename=duty)
            .annotate(below=models.ExpressionWrapper(models.OuterRef("path"), models.CharField()))
            .filter(below__startswith=models.F("content_object__path"))
        )
        return self.filter(models.Exists(reaching))


class Organisation(models.Model):
    """A unit in the tree: a duty held here reaches every unit below."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=120)
    name_en = models.CharField(_("name in English"), max_length=200)
    kind = models.CharField(_("kind"), max_length=40, choices=OrganisationKind)
    # 12-digit organ code for police organs, unified social credit code (GB 32100) for everybody else.
    code = models.CharField(_("code"), max_length=18, unique=True)
    region_code = models.CharField(_("region code"), max_length=6)
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children", verbose_name=_("parent"))
    # The codes from the root down to this unit, each followed by "/": a prefix of it is a unit above.
    path = models.CharField(max_length=200, unique=True)
    # Police organs need none; for everybody else a lapse stops filing, deciding and opening at once (Rule 12).
    agreement_ends_on = models.DateField(_("agreement ends on"), null=True)
    is_active = models.BooleanField(default=True)

    objects = OrganisationQuerySet.as_manager()
    history = history()
    _history_user: User | None

    class Meta:
        permissions: ClassVar = [
            ("enter_violations", "Enter violations"),
            ("confirm_violations", "Confirm violations"),
            ("file_requests", "File access requests"),
            ("decide_requests", "Decide access requests"),
            ("oversee", "Oversee the trail"),
            ("administer_people", "Administer people"),
            ("assign_duties", "Assign duties"),
            ("maintain_law", "Maintain the law"),
        ]
        default_permissions = ()
        constraints: ClassVar = [
            # It goes into events as it stands.
            models.CheckConstraint(
                name="unit_code_is_a_code",
                condition=models.Q(code__regex="^([0-9]{12}|[0-9A-HJ-NP-RTUWXY]{18})$"),
            ),
            models.CheckConstraint(
                name="outside_unit_has_agreement",
                condition=models.Q(kind__in=sorted(POLICE_KINDS)) | models.Q(agreement_ends_on__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name_en if (get_language() or "").startswith("en") else self.name

    @property
    def is_police(self) -> bool:
        """Say whether this is a public security organ; only these enter, confirm and decide."""
        return self.kind in POLICE_KINDS

    @property
    def audience(self) -> Audience:
        """Return which undertaking people of this unit sign (`access_audience` is the same question)."""
        if self.is_police:
            return Audience.POLICE
        return Audience.JUDICIAL if self.kind in JUDICIAL_KINDS else Audience.OTHERS

    def agreement_holds(self, on: date) -> bool:
        """Say whether this unit may ask and look on this day; police organs need no agreement."""
        return self.is_active and (
            self.is_police or (self.agreement_ends_on is not None and on <= self.agreement_ends_on)
        )


class UserManager(BaseUserManager["User"]):
    """People are made by `actions.create_user`; this only finds them."""

    def get_by_natural_key(self, username: str | None) -> User:
        """Return the person of this user name, as authentication asks for them."""
        return self.get(username=username)


class User(AbstractBaseUser):
    """A person who acts for one organisation. Nobody is a superuser: there is no such column."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(_("user name"), max_length=60, unique=True)
    badge_number = models.CharField(_("badge number"), max_length=12, blank=True)
    full_name = models.CharField(_("full name"), max_length=60)
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="people", verbose_name=_("organisation")
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # Chosen by themselves on “My security”: the language after a sign-in, and whether single keys do anything.
    language = models.CharField(_("language"), max_length=10, blank=True)
    single_keys = models.BooleanField(_("single keys"), default=True)
    last_login = None  # sign-ins are events of the trail

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar = ["full_name"]
    is_superuser = property(lambda self: False)
    is_staff = property(lambda self: False)

    objects = UserManager()
    history = history(excluded_fields=["password"])
    _history_user: User | None

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="one_person_a_badge_number", fields=["badge_number"], condition=~models.Q(badge_number="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.full_name} {self.badge_number}".strip()

    def hash_of(self, password: str) -> str:
        """Return what is kept of a password: a slow hash of it, bound to this person by a key outside the database.

        Whoever can only write rows makes no hash that signs anybody in, and copies none from one person to another.
        """
        return make_password(self._bound(password))

    def set_password(self, raw_password: str | None) -> None:
        """Put the hash of a password into this row, or one that no password has; whoever saves the row writes the event."""
        self.password = make_password(None) if raw_password is None else self.hash_of(raw_password)

    def check_password(self, raw_password: str | None) -> bool:
        """Say whether the password is right, and leave it stored as it is."""
        return check_password(self._bound(raw_password or ""), self.password)

    @property
    def has_outdated_hash(self) -> bool:
        """Say whether the password is stored in another way than passwords are today."""
        today = get_hasher()
        return identify_hasher(self.password).algorithm != today.algorithm or today.must_update(self.password)

    def _bound(self, password: str) -> str:
        return vault.index("password", f"{self.pk}\n{password}").hex()

    def get_full_name(self) -> str:
        """The name, as Django and allauth ask for it."""
        return self.full_name

    @property
    def unit_code(self) -> str:
        """The code of the unit this person acts for, as the trail names it."""
        return self.organisation.code

    @property
    def may_oversee(self) -> bool:
        """May this person read the trail? (asked by the pages of `audit`)"""
        return self._holds(Duty.OVERSEE)

    @property
    def may_watch(self) -> bool:
        """May this person see alarms of the trail, and close them? (asked by the pages of `audit`)"""
        return self.may_oversee or self._holds(Duty.ASSIGN_DUTIES)

    def _holds(self, duty: Duty) -> bool:
        return held_duties().filter(user=self, permission__codename=duty).exists()

    def has_perm(self, perm: str, obj: object = None) -> Never:
        """Raise TypeError: there are no global permissions that could be asked for by mistake."""
        raise TypeError("Nobody holds global permissions; ask access.duties.")

    has_module_perms = has_perms = has_perm


class OrganisationUserObjectPermission(UserObjectPermissionBase):
    """A duty of a person at an organisation, with who gave it; written by functions of the database only."""

    content_object = models.ForeignKey(Organisation, models.PROTECT)
    # Who proposed or gave it, and who consented where it takes two; both empty when set up on the server.
    given_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    consented_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    given_at = models.DateTimeField(db_default=Now())


def held_duties() -> models.QuerySet[OrganisationUserObjectPermission]:
    """Return the duties of everybody whose account is not disabled."""
    return OrganisationUserObjectPermission.objects.filter(user__is_active=True)


class OrganisationGroupObjectPermission(GroupObjectPermissionBase):
    """Unused: duties belong to people. guardian falls back to a generic table when this is missing."""

    content_object = models.ForeignKey(Organisation, models.PROTECT)
