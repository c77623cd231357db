-- Write a duty and its event. For functions of the owner only, which have asked access_duty_refusal.
create function public.access_put_duty(
    p_user uuid, p_duty text, p_unit uuid, p_given_by uuid, p_consented_by uuid, p_proposal uuid
) returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    actor uuid := coalesce(p_consented_by, p_given_by);
    at text;
begin
    select code into strict at from public.access_organisation where id = p_unit;
    insert into public.access_organisationuserobjectpermission
        (user_id, permission_id, content_object_id, given_by_id, consented_by_id, given_at)
    select p_user, duty.id, p_unit, p_given_by, p_consented_by, clock_timestamp()
      from public.auth_permission duty join public.django_content_type type on type.id = duty.content_type_id
     where duty.codename = p_duty and type.app_label = 'access' and type.model = 'organisation';
    if not found then
        raise exception 'there is no such duty' using errcode = 'SE001';
    end if;
    perform public.audit_append(
        'DUTY_GIVEN', actor::text, public.access_unit_code(actor), 'access.user', p_user::text,
        '{"at":"' || at || '","duty":"' || p_duty || '","proposal":' || coalesce('"' || p_proposal || '"', 'null')
        || ',"proposed_by":' || coalesce('"' || case when p_consented_by is not null then p_given_by end || '"', 'null') || '}');
end $$;
