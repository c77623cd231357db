"""What the page of components shows: every state of every component, with invented content."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.utils import timezone

from audit.fields import DayInput

DESCRIPTIONS = {
    "case": "Article 136, a state organ needs it to handle a case. State the case number.",
    "staff": "Law on the Protection of Minors, Article 62: checking staff who work with children.",
}


class Cards(forms.RadioSelect):
    """Radio buttons with a description under each title; field.html shows them as cards."""

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Add the words that explain an option."""
        option = super().create_option(name, value, *args, **kwargs)
        option["description"] = DESCRIPTIONS.get(str(value), "")
        return option


class Offences(forms.Select):
    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Add what an offence is found by, as the real field does."""
        option = super().create_option(name, value, *args, **kwargs)
        if value:
            option["attrs"] |= {
                "data-search": "rlggcs 26-1-2",
                "data-hint": "第二十六条第一款第二项 · 警告或五百元以下罚款",
            }
        return option


class SampleForm(forms.Form):
    number = forms.CharField(
        label="证件号码", widget=forms.TextInput(attrs={"data-id-number": ""}), help_text="十八位。"
    )
    offence = forms.ChoiceField(
        label="违法行为",
        widget=Offences(attrs={"data-combobox": ""}),
        choices=[("", "---"), ("1", "扰乱公共场所秩序"), ("2", "殴打他人"), ("3", "盗窃"), ("4", "寻衅滋事")],
    )
    basis = forms.ChoiceField(label="法律依据", widget=Cards, choices=[("case", "办案需要"), ("staff", "从业查询")])
    penalties = forms.MultipleChoiceField(
        label="处罚",
        widget=forms.CheckboxSelectMultiple,
        choices=[("warning", "警告"), ("fine", "罚款")],
        required=False,
    )
    on = forms.DateField(label="违法时间", widget=DayInput())
    unit = forms.ChoiceField(label="单位", choices=[("a", "某某派出所"), ("b", "某某分局")])
    reason = forms.CharField(
        label="理由", widget=forms.Textarea(attrs={"rows": 3}), required=False, help_text="不少于十个字。"
    )
    letter = forms.FileField(label="公函", help_text="PDF，20 MB 以内。")
    password = forms.CharField(label="口令", widget=forms.PasswordInput)
    promise = forms.BooleanField(label="我承诺只按批准的用途使用")


def context() -> dict[str, Any]:
    """Return one sample of each object that a component takes."""
    now = timezone.now()
    late = SimpleNamespace(tone="seal", label="超期 2 小时", at=now - timedelta(hours=2))
    soon = SimpleNamespace(tone="amber", label="剩 5 小时", at=now + timedelta(hours=5))
    later = SimpleNamespace(tone="green", label="剩 3 个工作日", at=now + timedelta(days=3))
    return {
        "form": SampleForm({"number": "310101199001010070", "basis": "case", "on": "2027-13-01"}),
        "due_late": late,
        "due_soon": soon,
        "due_later": later,
        "items": [
            SimpleNamespace(at=now - timedelta(days=1), who="王某 031198", what="提交申请", note=""),
            SimpleNamespace(
                at=now, who="李敏 031245", what="退回补正", note="公函缺少经办人签名，\n请补正后重新提交。"
            ),
        ],
        "rows": [
            SimpleNamespace(number=number, unit=unit, basis=basis, due=due, state=state)
            for number, unit, basis, due, state in (
                ("CX-2026-0001", "某某区人民法院", "办案需要 · 民事诉讼", late, "待审"),
                ("CX-2026-0002", "某某区人民检察院", "办案需要 · 审查起诉", soon, "待审"),
                ("CX-2026-0003", "某某幼儿园", "国家规定查询 · 从业", later, "李敏 认领"),
            )
        ],
        "nobody": [],
        "page": Paginator(range(90), 20).page(2),
        "ends_at": now + timedelta(minutes=9, seconds=41),
        "server_now": now,
    }
