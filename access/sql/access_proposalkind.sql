-- The registry of kinds: whose duty proposes and decides, and the functions that say what a proposal stands on, why it may
-- not go ahead, and that do it. The migrations of each app add theirs.
create table public.access_proposalkind (
    kind text primary key,
    duty text not null,
    ground_function name not null,
    refusal_function name not null,
    enact_function name not null
);
alter table public.access_proposal add foreign key (kind) references public.access_proposalkind (kind);
alter table public.access_proposal add column decided_xid xid8;
alter table public.access_enrolment add column used_xid xid8;
insert into public.access_proposalkind values
    ('DUTY', 'assign_duties', 'access_duty_change_ground', 'access_duty_change_refusal', 'access_duty_change_enact'),
    ('ENROLMENT', 'administer_people', 'access_enrolment_change_ground', 'access_enrolment_change_refusal',
     'access_enrolment_change_enact');
