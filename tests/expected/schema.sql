-- What apply makes. Written by: python -m tests.expected.schema

TABLE billing.accepted_escalations (
    tenant uuid NOT NULL,
    record_id uuid NOT NULL,
    kind text NOT NULL,
    against text NOT NULL,
    plan_hash text NOT NULL,
    run_key text NOT NULL,
    accepted_by text NOT NULL,
    accepted_at timestamp with time zone NOT NULL,
    CONSTRAINT accepted_escalations_pkey PRIMARY KEY (tenant, record_id, kind, against),
    CONSTRAINT accepted_escalations_record_fkey FOREIGN KEY (tenant, record_id) REFERENCES
        billing.recurring_service_periods(tenant, record_id)
);

TABLE billing.billable_records (
    tenant uuid NOT NULL,
    billable_record_id uuid NOT NULL,
    contract_line_id uuid NOT NULL,
    recorded_on date NOT NULL,
    quantity numeric NOT NULL DEFAULT 1,
    unit_price_cents bigint NOT NULL,
    description text,
    CONSTRAINT billable_records_pkey PRIMARY KEY (tenant, billable_record_id),
    CONSTRAINT billable_records_line_fkey FOREIGN KEY (tenant, contract_line_id) REFERENCES
        billing.contract_lines(tenant, contract_line_id)
);
CREATE INDEX billable_records_line_idx ON billing.billable_records USING btree (tenant,
    contract_line_id, recorded_on);

TABLE billing.client_billing_cycles (
    tenant uuid NOT NULL,
    billing_cycle_id uuid NOT NULL,
    client_id uuid NOT NULL,
    billing_cycle text NOT NULL,
    effective_date date NOT NULL,
    period_start_date date NOT NULL,
    period_end_date date,
    is_active boolean NOT NULL DEFAULT true,
    billing_profile_id uuid,
    source_not_utc_midnight boolean NOT NULL DEFAULT false,
    CONSTRAINT client_billing_cycles_pkey PRIMARY KEY (tenant, billing_cycle_id),
    CONSTRAINT client_billing_cycles_client_fkey FOREIGN KEY (tenant, client_id) REFERENCES
        billing.clients(tenant, client_id)
);
CREATE INDEX client_billing_cycles_active_end_idx ON billing.client_billing_cycles USING btree
    (tenant, period_end_date) WHERE is_active AND period_end_date IS NOT NULL;
CREATE INDEX client_billing_cycles_client_idx ON billing.client_billing_cycles USING btree (tenant,
    client_id, period_start_date);

TABLE billing.client_billing_profiles (
    tenant uuid NOT NULL,
    billing_profile_id uuid NOT NULL,
    client_id uuid NOT NULL,
    profile_name text NOT NULL,
    bills_separately boolean NOT NULL DEFAULT false,
    is_active boolean NOT NULL DEFAULT true,
    CONSTRAINT client_billing_profiles_pkey PRIMARY KEY (tenant, billing_profile_id),
    CONSTRAINT client_billing_profiles_client_fkey FOREIGN KEY (tenant, client_id) REFERENCES
        billing.clients(tenant, client_id)
);

TABLE billing.client_billing_settings (
    tenant uuid NOT NULL,
    client_id uuid NOT NULL,
    billing_cycle_anchor_day_of_month integer,
    billing_cycle_anchor_month_of_year integer,
    billing_cycle_anchor_day_of_week integer,
    billing_cycle_anchor_reference_date date,
    zero_dollar_invoice_handling text NOT NULL DEFAULT 'normal'::text,
    suppress_zero_dollar_invoices boolean NOT NULL DEFAULT false,
    reference_was_not_utc_midnight boolean NOT NULL DEFAULT false,
    CONSTRAINT client_billing_settings_pkey PRIMARY KEY (tenant, client_id),
    CONSTRAINT client_billing_settings_client_fkey FOREIGN KEY (tenant, client_id) REFERENCES
        billing.clients(tenant, client_id),
    CONSTRAINT client_billing_settings_reference_check CHECK
        (isfinite(billing_cycle_anchor_reference_date))
);

TABLE billing.client_contracts (
    tenant uuid NOT NULL,
    client_contract_id uuid NOT NULL,
    client_id uuid NOT NULL,
    contract_id uuid NOT NULL,
    template_contract_id uuid,
    start_date date NOT NULL,
    end_date date,
    is_active boolean NOT NULL DEFAULT true,
    status text NOT NULL DEFAULT 'active'::text,
    po_required boolean NOT NULL DEFAULT false,
    po_number text,
    billing_profile_id uuid,
    CONSTRAINT client_contracts_pkey PRIMARY KEY (tenant, client_contract_id),
    CONSTRAINT client_contracts_client_fkey FOREIGN KEY (tenant, client_id) REFERENCES
        billing.clients(tenant, client_id),
    CONSTRAINT client_contracts_contract_fkey FOREIGN KEY (tenant, contract_id) REFERENCES
        billing.contracts(tenant, contract_id),
    CONSTRAINT client_contracts_dates_check CHECK (isfinite(start_date) AND isfinite(end_date))
);
CREATE INDEX client_contracts_client_idx ON billing.client_contracts USING btree (tenant,
    client_id);
CREATE INDEX client_contracts_contract_idx ON billing.client_contracts USING btree (tenant,
    contract_id);

TABLE billing.clients (
    tenant uuid NOT NULL,
    client_id uuid NOT NULL,
    client_name text NOT NULL,
    billing_cycle text NOT NULL DEFAULT 'monthly'::text,
    currency character(3) NOT NULL DEFAULT 'USD'::bpchar,
    timezone text,
    lifecycle_status text NOT NULL DEFAULT 'active'::text,
    is_inactive boolean NOT NULL DEFAULT false,
    CONSTRAINT clients_pkey PRIMARY KEY (tenant, client_id),
    CONSTRAINT clients_tenant_fkey FOREIGN KEY (tenant) REFERENCES billing.tenants(tenant)
);
CREATE INDEX clients_name_idx ON billing.clients USING btree (tenant, client_name COLLATE "C",
    client_id);

TABLE billing.contract_line_configurations (
    tenant uuid NOT NULL,
    config_id uuid NOT NULL,
    contract_line_id uuid NOT NULL,
    service_id uuid,
    configuration_type text NOT NULL,
    rate_cents bigint,
    quantity numeric,
    CONSTRAINT contract_line_configurations_pkey PRIMARY KEY (tenant, config_id),
    CONSTRAINT contract_line_configurations_line_fkey FOREIGN KEY (tenant, contract_line_id)
        REFERENCES billing.contract_lines(tenant, contract_line_id)
);
CREATE INDEX contract_line_configurations_line_idx ON billing.contract_line_configurations USING
    btree (tenant, contract_line_id);

TABLE billing.contract_lines (
    tenant uuid NOT NULL,
    contract_line_id uuid NOT NULL,
    contract_line_name text NOT NULL,
    contract_id uuid,
    contract_line_type text,
    billing_frequency text NOT NULL DEFAULT 'monthly'::text,
    billing_timing text NOT NULL DEFAULT 'arrears'::text,
    cadence_owner text NOT NULL DEFAULT 'client'::text,
    is_recurring boolean NOT NULL DEFAULT true,
    is_active boolean NOT NULL DEFAULT true,
    is_template boolean NOT NULL DEFAULT false,
    enable_proration boolean NOT NULL DEFAULT false,
    billing_cycle_alignment text NOT NULL DEFAULT 'start'::text,
    unit_price_cents bigint NOT NULL DEFAULT 0,
    quantity numeric NOT NULL DEFAULT 1,
    display_order integer NOT NULL DEFAULT 0,
    CONSTRAINT contract_lines_pkey PRIMARY KEY (tenant, contract_line_id),
    CONSTRAINT contract_lines_contract_fkey FOREIGN KEY (tenant, contract_id) REFERENCES
        billing.contracts(tenant, contract_id),
    CONSTRAINT contract_lines_cadence_owner_check CHECK (cadence_owner = ANY (ARRAY['client'::text,
        'contract'::text]))
);
CREATE INDEX contract_lines_contract_cadence_idx ON billing.contract_lines USING btree (tenant,
    lower(billing_frequency)) WHERE cadence_owner = 'contract'::text AND is_active AND is_recurring;
CREATE INDEX contract_lines_contract_idx ON billing.contract_lines USING btree (tenant,
    contract_id);

TABLE billing.contracts (
    tenant uuid NOT NULL,
    contract_id uuid NOT NULL,
    contract_name text NOT NULL,
    billing_frequency text NOT NULL DEFAULT 'monthly'::text,
    owner_client_id uuid,
    is_active boolean NOT NULL DEFAULT true,
    status text NOT NULL DEFAULT 'draft'::text,
    is_template boolean NOT NULL DEFAULT false,
    is_system_managed_default boolean NOT NULL DEFAULT false,
    currency character(3) NOT NULL DEFAULT 'USD'::bpchar,
    start_date date,
    end_date date,
    CONSTRAINT contracts_pkey PRIMARY KEY (tenant, contract_id),
    CONSTRAINT contracts_owner_fkey FOREIGN KEY (tenant, owner_client_id) REFERENCES
        billing.clients(tenant, client_id),
    CONSTRAINT contracts_tenant_fkey FOREIGN KEY (tenant) REFERENCES billing.tenants(tenant)
);

TABLE billing.cutover_attestations (
    tenant uuid NOT NULL,
    step integer NOT NULL,
    attested_at timestamp with time zone NOT NULL,
    attested_by text NOT NULL,
    note text NOT NULL,
    CONSTRAINT cutover_attestations_pkey PRIMARY KEY (tenant, step, attested_at),
    CONSTRAINT cutover_attestations_tenant_fkey FOREIGN KEY (tenant) REFERENCES
        billing.tenants(tenant),
    CONSTRAINT cutover_attestations_note_check CHECK (note <> ''::text),
    CONSTRAINT cutover_attestations_step_check CHECK (step = ANY (ARRAY[1, 7, 8, 9]))
);

TABLE billing.invoice_charge_details (
    tenant uuid NOT NULL,
    invoice_charge_detail_id uuid NOT NULL,
    invoice_charge_id uuid NOT NULL,
    contract_line_id uuid NOT NULL,
    config_id uuid,
    service_id uuid,
    quantity numeric NOT NULL DEFAULT 1,
    rate_cents bigint NOT NULL DEFAULT 0,
    service_period_start date,
    service_period_end date,
    billing_timing text NOT NULL DEFAULT 'arrears'::text,
    source_end_was_exclusive boolean NOT NULL DEFAULT false,
    is_reversed boolean NOT NULL DEFAULT false,
    CONSTRAINT invoice_charge_details_pkey PRIMARY KEY (tenant, invoice_charge_detail_id),
    CONSTRAINT invoice_charge_details_charge_key UNIQUE (tenant, invoice_charge_id,
        invoice_charge_detail_id),
    CONSTRAINT invoice_charge_details_charge_fkey FOREIGN KEY (tenant, invoice_charge_id) REFERENCES
        billing.invoice_charges(tenant, invoice_charge_id),
    CONSTRAINT invoice_charge_details_line_fkey FOREIGN KEY (tenant, contract_line_id) REFERENCES
        billing.contract_lines(tenant, contract_line_id),
    CONSTRAINT invoice_charge_details_period_check CHECK ((num_nulls(service_period_start,
        service_period_end) = ANY (ARRAY[0, 2])) AND service_period_start < service_period_end AND
        isfinite(service_period_start) AND isfinite(service_period_end))
);
CREATE INDEX invoice_charge_details_line_idx ON billing.invoice_charge_details USING btree (tenant,
    contract_line_id, service_period_end);

TABLE billing.invoice_charges (
    tenant uuid NOT NULL,
    invoice_charge_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    service_id uuid,
    description text NOT NULL,
    quantity numeric NOT NULL DEFAULT 1,
    unit_price_cents bigint NOT NULL DEFAULT 0,
    total_price_cents bigint NOT NULL DEFAULT 0,
    tax_rate numeric NOT NULL DEFAULT 0,
    is_manual boolean NOT NULL DEFAULT false,
    client_contract_id uuid,
    CONSTRAINT invoice_charges_pkey PRIMARY KEY (tenant, invoice_charge_id),
    CONSTRAINT invoice_charges_invoice_key UNIQUE (tenant, invoice_id, invoice_charge_id),
    CONSTRAINT invoice_charges_invoice_fkey FOREIGN KEY (tenant, invoice_id) REFERENCES
        billing.invoices(tenant, invoice_id)
);

TABLE billing.invoices (
    tenant uuid NOT NULL,
    invoice_id uuid NOT NULL,
    client_id uuid NOT NULL,
    invoice_number text NOT NULL,
    status text NOT NULL DEFAULT 'draft'::text,
    invoice_date date NOT NULL,
    due_date date,
    invoice_window_start date,
    invoice_window_end date,
    currency character(3) NOT NULL DEFAULT 'USD'::bpchar,
    subtotal_cents bigint NOT NULL DEFAULT 0,
    tax_cents bigint NOT NULL DEFAULT 0,
    total_cents bigint NOT NULL DEFAULT 0,
    billing_cycle_id uuid,
    client_contract_id uuid,
    billing_profile_id uuid,
    is_manual boolean NOT NULL DEFAULT false,
    finalized_at timestamp with time zone,
    CONSTRAINT invoices_pkey PRIMARY KEY (tenant, invoice_id),
    CONSTRAINT invoices_client_fkey FOREIGN KEY (tenant, client_id) REFERENCES
        billing.clients(tenant, client_id),
    CONSTRAINT invoices_window_check CHECK (invoice_window_start < invoice_window_end)
);
CREATE INDEX invoices_client_idx ON billing.invoices USING btree (tenant, client_id,
    invoice_window_end);
CREATE INDEX invoices_number_idx ON billing.invoices USING btree (tenant, invoice_number);

TABLE billing.recurring_service_periods (
    tenant uuid NOT NULL,
    record_id uuid NOT NULL,
    client_id uuid,
    obligation_id uuid NOT NULL,
    obligation_type text NOT NULL,
    schedule_key text COLLATE "C" NOT NULL,
    period_key text COLLATE "C" NOT NULL,
    revision integer NOT NULL DEFAULT 1,
    charge_family text NOT NULL,
    cadence_owner text NOT NULL,
    due_position text NOT NULL,
    lifecycle_state text NOT NULL DEFAULT 'generated'::text,
    service_period_start date NOT NULL,
    service_period_end date NOT NULL,
    invoice_window_start date NOT NULL,
    invoice_window_end date NOT NULL,
    activity_window_start date,
    activity_window_end date,
    timing_metadata jsonb,
    provenance_kind text NOT NULL,
    reason_code text,
    source_rule_version text NOT NULL,
    source_run_key text,
    supersedes_record_id uuid,
    invoice_id uuid,
    invoice_charge_id uuid,
    invoice_charge_detail_id uuid,
    invoice_linked_at timestamp with time zone,
    quarantine_reason text,
    unresolved_linkage jsonb,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    updated_at timestamp with time zone NOT NULL DEFAULT now(),
    whole_period_start date,
    whole_period_end date,
    CONSTRAINT recurring_service_periods_pkey PRIMARY KEY (tenant, record_id),
    CONSTRAINT recurring_service_periods_charge_fkey FOREIGN KEY (tenant, invoice_id,
        invoice_charge_id) REFERENCES billing.invoice_charges(tenant, invoice_id,
        invoice_charge_id),
    CONSTRAINT recurring_service_periods_detail_fkey FOREIGN KEY (tenant, invoice_charge_id,
        invoice_charge_detail_id) REFERENCES billing.invoice_charge_details(tenant,
        invoice_charge_id, invoice_charge_detail_id),
    CONSTRAINT recurring_service_periods_activity_window_check CHECK
        (num_nulls(activity_window_start, activity_window_end) = 2 OR
        num_nulls(activity_window_start, activity_window_end) = 0 AND activity_window_start <
        activity_window_end AND activity_window_start >= service_period_start AND
        activity_window_end <= service_period_end),
    CONSTRAINT recurring_service_periods_billed_is_linked_check CHECK (quarantine_reason IS NOT NULL
        OR CASE lifecycle_state WHEN 'billed'::text THEN invoice_id IS NOT NULL WHEN
        'archived'::text THEN true ELSE invoice_id IS NULL END),
    CONSTRAINT recurring_service_periods_cadence_owner_check CHECK (cadence_owner = ANY
        (ARRAY['client'::text, 'contract'::text])),
    CONSTRAINT recurring_service_periods_charge_family_check CHECK (charge_family = ANY
        (ARRAY['fixed'::text, 'product'::text, 'license'::text, 'bucket'::text, 'hourly'::text,
        'usage'::text])),
    CONSTRAINT recurring_service_periods_due_position_check CHECK (due_position = ANY
        (ARRAY['advance'::text, 'arrears'::text])),
    CONSTRAINT recurring_service_periods_invoice_window_check CHECK (invoice_window_start <
        invoice_window_end AND isfinite(invoice_window_start) AND isfinite(invoice_window_end)),
    CONSTRAINT recurring_service_periods_lifecycle_state_check CHECK (lifecycle_state = ANY
        (ARRAY['generated'::text, 'edited'::text, 'skipped'::text, 'locked'::text, 'billed'::text,
        'superseded'::text, 'archived'::text])),
    CONSTRAINT recurring_service_periods_linkage_whole_check CHECK (num_nulls(invoice_id,
        invoice_charge_id, invoice_charge_detail_id, invoice_linked_at) = ANY (ARRAY[0, 4])),
    CONSTRAINT recurring_service_periods_obligation_type_check CHECK (obligation_type = ANY
        (ARRAY['contract_line'::text, 'client_contract_line'::text, 'template_line'::text,
        'preset_line'::text])),
    CONSTRAINT recurring_service_periods_provenance_kind_check CHECK (provenance_kind = ANY
        (ARRAY['generated'::text, 'user_edited'::text, 'regenerated'::text, 'repair'::text])),
    CONSTRAINT recurring_service_periods_quarantine_check CHECK (quarantine_reason = ANY
        (ARRAY['overlap'::text, 'dangling_linkage'::text, 'missing_linkage'::text,
        'unknown_obligation'::text])),
    CONSTRAINT recurring_service_periods_revision_check CHECK (revision >= 1),
    CONSTRAINT recurring_service_periods_service_period_check CHECK (service_period_start <
        service_period_end AND isfinite(service_period_start) AND isfinite(service_period_end)),
    CONSTRAINT recurring_service_periods_supersedes_other_check CHECK (supersedes_record_id <>
        record_id),
    CONSTRAINT recurring_service_periods_whole_period_check CHECK (num_nulls(whole_period_start,
        whole_period_end) = 2 OR num_nulls(whole_period_start, whole_period_end) = 0 AND
        whole_period_start <= service_period_start AND whole_period_end >= service_period_end AND
        (whole_period_end - whole_period_start) > (service_period_end - service_period_start))
);
CREATE INDEX recurring_service_periods_charge_idx ON billing.recurring_service_periods USING btree
    (tenant, invoice_charge_id) WHERE invoice_charge_id IS NOT NULL;
CREATE INDEX recurring_service_periods_client_window_idx ON billing.recurring_service_periods USING
    btree (tenant, client_id, invoice_window_end) WHERE lifecycle_state <> 'superseded'::text OR
    invoice_id IS NOT NULL;
CREATE INDEX recurring_service_periods_due_idx ON billing.recurring_service_periods USING btree
    (tenant, invoice_window_end, invoice_window_start, service_period_end, service_period_start)
    WHERE (lifecycle_state = ANY (ARRAY['generated'::text, 'edited'::text, 'locked'::text])) AND
    quarantine_reason IS NULL;
CREATE INDEX recurring_service_periods_obligation_idx ON billing.recurring_service_periods USING
    btree (tenant, obligation_id, service_period_start);
CREATE UNIQUE INDEX recurring_service_periods_one_claim_key ON billing.recurring_service_periods
    USING btree (tenant, invoice_charge_detail_id) WHERE invoice_charge_detail_id IS NOT NULL;
CREATE INDEX recurring_service_periods_quarantine_idx ON billing.recurring_service_periods USING
    btree (tenant, obligation_id) WHERE quarantine_reason IS NOT NULL;
CREATE UNIQUE INDEX recurring_service_periods_revision_key ON billing.recurring_service_periods
    USING btree (tenant, hashtextextended(schedule_key, 0::bigint), hashtextextended(period_key,
    0::bigint), revision);
CREATE TRIGGER recurring_service_periods_guard_columns BEFORE UPDATE OF tenant, record_id,
    client_id, obligation_id, obligation_type, schedule_key, period_key, revision, charge_family,
    cadence_owner, due_position, service_period_start, service_period_end, invoice_window_start,
    invoice_window_end, activity_window_start, activity_window_end, whole_period_start,
    whole_period_end, timing_metadata, provenance_kind, reason_code, source_rule_version,
    source_run_key, supersedes_record_id, created_at ON billing.recurring_service_periods FOR EACH
    ROW WHEN (old.tenant IS DISTINCT FROM new.tenant OR old.record_id IS DISTINCT FROM new.record_id
    OR old.client_id IS DISTINCT FROM new.client_id OR old.obligation_id IS DISTINCT FROM
    new.obligation_id OR old.obligation_type IS DISTINCT FROM new.obligation_type OR
    old.schedule_key IS DISTINCT FROM new.schedule_key OR old.period_key IS DISTINCT FROM
    new.period_key OR old.revision IS DISTINCT FROM new.revision OR old.charge_family IS DISTINCT
    FROM new.charge_family OR old.cadence_owner IS DISTINCT FROM new.cadence_owner OR
    old.due_position IS DISTINCT FROM new.due_position OR old.service_period_start IS DISTINCT FROM
    new.service_period_start OR old.service_period_end IS DISTINCT FROM new.service_period_end OR
    old.invoice_window_start IS DISTINCT FROM new.invoice_window_start OR old.invoice_window_end IS
    DISTINCT FROM new.invoice_window_end OR old.activity_window_start IS DISTINCT FROM
    new.activity_window_start OR old.activity_window_end IS DISTINCT FROM new.activity_window_end OR
    old.whole_period_start IS DISTINCT FROM new.whole_period_start OR old.whole_period_end IS
    DISTINCT FROM new.whole_period_end OR old.timing_metadata IS DISTINCT FROM new.timing_metadata
    OR old.provenance_kind IS DISTINCT FROM new.provenance_kind OR old.reason_code IS DISTINCT FROM
    new.reason_code OR old.source_rule_version IS DISTINCT FROM new.source_rule_version OR
    old.source_run_key IS DISTINCT FROM new.source_run_key OR old.supersedes_record_id IS DISTINCT
    FROM new.supersedes_record_id OR old.created_at IS DISTINCT FROM new.created_at) EXECUTE
    FUNCTION billing.guard_update('columns');
CREATE TRIGGER recurring_service_periods_guard_delete AFTER DELETE ON
    billing.recurring_service_periods REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE
    FUNCTION billing.guard_delete();
CREATE TRIGGER recurring_service_periods_guard_insert AFTER INSERT ON
    billing.recurring_service_periods REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE
    FUNCTION billing.guard_insert();
CREATE TRIGGER recurring_service_periods_guard_release AFTER UPDATE OF quarantine_reason ON
    billing.recurring_service_periods FOR EACH ROW WHEN (old.quarantine_reason IS NOT NULL AND
    (new.lifecycle_state <> ALL (ARRAY['superseded'::text, 'archived'::text])) AND
    new.quarantine_reason IS NULL) EXECUTE FUNCTION billing.guard_release();
CREATE TRIGGER recurring_service_periods_guard_transition BEFORE UPDATE OF lifecycle_state,
    invoice_id, invoice_charge_id, invoice_charge_detail_id, invoice_linked_at ON
    billing.recurring_service_periods FOR EACH ROW WHEN (NOT ((old.lifecycle_state =
    new.lifecycle_state OR COALESCE(new.lifecycle_state = ANY ( CASE old.lifecycle_state WHEN
    'generated'::text THEN '{edited,skipped,locked,billed,superseded,archived}'::text[] WHEN
    'edited'::text THEN '{skipped,locked,billed,superseded,archived}'::text[] WHEN 'skipped'::text
    THEN '{edited,locked,superseded,archived}'::text[] WHEN 'locked'::text THEN
    '{billed,superseded,archived}'::text[] WHEN 'billed'::text THEN '{archived}'::text[] WHEN
    'superseded'::text THEN '{archived}'::text[] ELSE NULL::text[] END), false) OR
    old.lifecycle_state = 'billed'::text AND new.lifecycle_state = 'locked'::text) AND (NOT
    (old.invoice_id IS DISTINCT FROM new.invoice_id OR old.invoice_charge_id IS DISTINCT FROM
    new.invoice_charge_id OR old.invoice_charge_detail_id IS DISTINCT FROM
    new.invoice_charge_detail_id OR old.invoice_linked_at IS DISTINCT FROM new.invoice_linked_at) OR
    old.invoice_id IS NULL AND new.lifecycle_state = 'billed'::text OR new.invoice_id IS NULL AND
    old.lifecycle_state = 'billed'::text AND new.lifecycle_state = 'locked'::text))) EXECUTE
    FUNCTION billing.guard_update('transition');
CREATE TRIGGER recurring_service_periods_guard_truncate BEFORE TRUNCATE ON
    billing.recurring_service_periods FOR EACH STATEMENT EXECUTE FUNCTION billing.guard_truncate();

TABLE billing.service_period_events (
    tenant uuid NOT NULL,
    record_id uuid NOT NULL,
    event_kind text NOT NULL,
    acted_at timestamp with time zone NOT NULL,
    acted_by text NOT NULL,
    reason text NOT NULL,
    row_before jsonb NOT NULL,
    row_after jsonb NOT NULL,
    CONSTRAINT service_period_events_pkey PRIMARY KEY (tenant, record_id, event_kind, acted_at),
    CONSTRAINT service_period_events_record_fkey FOREIGN KEY (tenant, record_id) REFERENCES
        billing.recurring_service_periods(tenant, record_id),
    CONSTRAINT service_period_events_kind_check CHECK (event_kind = ANY
        (ARRAY['boundary_adjusted'::text, 'skipped'::text, 'deferred'::text, 'archived'::text,
        'retired'::text, 'invoice_linkage_repaired'::text, 'repair_reverted'::text])),
    CONSTRAINT service_period_events_reason_check CHECK (reason <> ''::text)
);

TABLE billing.tenants (
    tenant uuid NOT NULL,
    tenant_name text NOT NULL,
    CONSTRAINT tenants_pkey PRIMARY KEY (tenant)
);

TABLE billing.withdrawn_invoices (
    tenant uuid NOT NULL,
    invoice_id uuid NOT NULL,
    withdrawal text NOT NULL,
    client_id uuid NOT NULL,
    withdrawn_at timestamp with time zone NOT NULL,
    withdrawn_by text NOT NULL,
    reason text NOT NULL,
    invoice jsonb NOT NULL,
    charges jsonb NOT NULL,
    details jsonb NOT NULL,
    service_periods jsonb NOT NULL,
    CONSTRAINT withdrawn_invoices_pkey PRIMARY KEY (tenant, invoice_id, withdrawal, withdrawn_at),
    CONSTRAINT withdrawn_invoices_client_fkey FOREIGN KEY (tenant, client_id) REFERENCES
        billing.clients(tenant, client_id),
    CONSTRAINT withdrawn_invoices_reason_check CHECK (reason <> ''::text),
    CONSTRAINT withdrawn_invoices_withdrawal_check CHECK (withdrawal = ANY (ARRAY['deleted'::text,
        'reversed'::text]))
);
CREATE INDEX withdrawn_invoices_client_idx ON billing.withdrawn_invoices USING btree (tenant,
    client_id);

TYPE billing.cycle_window (
    client_id uuid,
    billing_profile_id uuid,
    billing_cycle_id uuid,
    window_start date,
    window_end date,
    previous_start date
);

TYPE billing.due_fallback (
    billing_cycle_id uuid,
    client_id uuid,
    obligation_id uuid,
    obligation_type text,
    schedule_key text,
    period_key text,
    cadence_owner text,
    due_position text,
    charge_family text,
    service_period_start date,
    service_period_end date,
    invoice_window_start date,
    invoice_window_end date
);

TYPE billing.escalated_obligation (
    obligation_id uuid,
    client_id uuid,
    schedule_key text,
    reasons text[],
    fingerprint text
);

TYPE billing.invoice_line (
    execution_identity_key text,
    record_id uuid,
    obligation_id uuid,
    client_contract_id uuid,
    description text,
    charge_family text,
    cadence_owner text,
    service_period_start date,
    service_period_end date,
    billing_timing text,
    quantity numeric,
    unit_price_cents bigint,
    total_price_cents bigint,
    currency text,
    whole_period_start date,
    whole_period_end date
);

TYPE billing.judged_span (
    is_restless boolean,
    is_quiet boolean,
    is_fresh boolean,
    may_have_gaps boolean,
    has_too_many_periods boolean,
    retained bigint,
    unchanged bigint,
    preserved bigint,
    evidence bigint,
    hash_1 bigint,
    hash_2 bigint,
    obligation_id uuid,
    is_first_span boolean,
    status text,
    client_id uuid,
    schedule_key text,
    obligation_type text,
    cadence_owner text,
    due_position text,
    charge_family text,
    obligation_start date,
    obligation_end date,
    has_ended_assignments boolean,
    has_rows boolean,
    has_quarantined boolean,
    has_dangling_linkage boolean,
    has_missing_linkage boolean,
    is_disputed boolean,
    disputed_details text,
    first_day date,
    billed_boundary date,
    settled_boundary date,
    generation_start date,
    horizon_start date,
    cadence_error text,
    total_periods integer,
    owed_days integer,
    coverage_end date,
    span_number integer,
    span_client_id uuid,
    span_start date,
    span_end date,
    reaches_from date,
    reaches_to date,
    timing_metadata jsonb,
    step_days integer,
    step_months integer,
    origin date,
    span_generation_start date,
    starts_exactly boolean,
    first_index integer,
    period_count integer
);

TYPE billing.linkage_fault (
    record_id uuid,
    obligation_id uuid,
    client_id uuid,
    schedule_key text,
    problem text,
    action text,
    invoice_id uuid,
    invoice_charge_id uuid,
    invoice_charge_detail_id uuid,
    reason text
);

TYPE billing.planned_service_period (
    obligation_id uuid,
    span_number integer,
    candidate_number integer,
    cut_start date,
    cut_end date,
    revision integer,
    mate_record_id uuid
);

TYPE billing.reverted_service_period (
    made_id uuid,
    replaced_id uuid,
    obligation_id uuid,
    schedule_key text,
    period_key text
);

TYPE billing.reviewed_issue (
    record_id uuid,
    kind text,
    against text
);

TYPE billing.row_verdict (
    obligation_id uuid,
    record_id uuid,
    action text,
    proposed_action text,
    reasons text[],
    conflict_kind text,
    candidate_record_id uuid
);

TYPE billing.service_period_generation (
    obligation_id uuid,
    span_number integer,
    client_id uuid,
    obligation_type text,
    schedule_key text,
    cadence_owner text,
    due_position text,
    charge_family text,
    timing_metadata jsonb,
    span_start date,
    span_end date,
    span_generation_start date,
    starts_exactly boolean,
    origin date,
    step_days integer,
    step_months integer,
    first_index integer,
    period_count integer,
    is_fresh boolean,
    fills_gap boolean
);

VIEW billing.obligation_spans (
    tenant uuid,
    obligation_id uuid,
    contract_id uuid,
    client_contract_id uuid,
    client_id uuid,
    is_active boolean,
    span_start date,
    span_end date,
    timing_metadata jsonb,
    cadence_error text,
    origin date,
    step_days integer,
    step_months integer
);

VIEW billing.recurring_obligations (
    tenant uuid,
    obligation_id uuid,
    contract_id uuid,
    client_id uuid,
    status text,
    obligation_start date,
    obligation_end date,
    has_ended_assignments boolean,
    obligation_type text,
    cadence_owner text,
    due_position text,
    charge_family text,
    schedule_key text
);

TABLE ledger.accounts (
    tenant uuid NOT NULL,
    tenant_user_id text COLLATE "C" NOT NULL,
    unit_id text COLLATE "C" NOT NULL,
    account_id uuid NOT NULL GENERATED ALWAYS AS ((md5(((((length(tenant_user_id))::text ||
        ':'::text) || tenant_user_id) || unit_id)))::uuid) STORED,
    currency character(3) NOT NULL,
    CONSTRAINT accounts_pkey PRIMARY KEY (tenant, tenant_user_id, unit_id, currency),
    CONSTRAINT accounts_account_id_key UNIQUE (tenant, account_id, currency),
    CONSTRAINT accounts_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text)
);
CREATE INDEX accounts_unit_idx ON ledger.accounts USING btree (tenant, unit_id);
CREATE TRIGGER accounts_guard_delete BEFORE DELETE ON ledger.accounts FOR EACH STATEMENT EXECUTE
    FUNCTION ledger.guard_accounts();
CREATE TRIGGER accounts_guard_truncate BEFORE TRUNCATE ON ledger.accounts FOR EACH STATEMENT EXECUTE
    FUNCTION ledger.guard_accounts();
CREATE TRIGGER accounts_guard_update BEFORE UPDATE ON ledger.accounts FOR EACH ROW WHEN (old.tenant
    IS DISTINCT FROM new.tenant OR old.tenant_user_id IS DISTINCT FROM new.tenant_user_id OR
    old.unit_id IS DISTINCT FROM new.unit_id OR old.currency IS DISTINCT FROM new.currency) EXECUTE
    FUNCTION ledger.guard_accounts();

TABLE ledger.charges (
    tenant uuid NOT NULL,
    charge_id text COLLATE "C" NOT NULL,
    tenant_user_id text COLLATE "C" NOT NULL,
    unit_id text COLLATE "C" NOT NULL,
    account_id uuid NOT NULL GENERATED ALWAYS AS ((md5(((((length(tenant_user_id))::text ||
        ':'::text) || tenant_user_id) || unit_id)))::uuid) STORED,
    type text NOT NULL,
    description text NOT NULL DEFAULT ''::text,
    amount_cents bigint NOT NULL,
    currency character(3) NOT NULL DEFAULT 'USD'::bpchar,
    billing_period text COLLATE "C",
    created_by text,
    effective_on date NOT NULL,
    reverses_charge_id text COLLATE "C",
    reversed_at timestamp with time zone,
    source_run_key text,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    duplicates_charge_id text COLLATE "C",
    CONSTRAINT charges_pkey PRIMARY KEY (tenant, charge_id),
    CONSTRAINT charges_reverses_fkey FOREIGN KEY (tenant, reverses_charge_id) REFERENCES
        ledger.charges(tenant, charge_id),
    CONSTRAINT charges_amount_cents_check CHECK (amount_cents >= '-9999999999999'::bigint AND
        amount_cents <= '9999999999999'::bigint),
    CONSTRAINT charges_billing_period_check CHECK (billing_period ~
        '^[0-9]{4}-(0[1-9]|1[0-2])$'::text),
    CONSTRAINT charges_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
    CONSTRAINT charges_days_check CHECK (effective_on >= '0001-01-01'::date AND effective_on <=
        '9999-12-31'::date),
    CONSTRAINT charges_duplicates_other_check CHECK (duplicates_charge_id <> charge_id),
    CONSTRAINT charges_ids_check CHECK (charge_id <> ''::text AND tenant_user_id <> ''::text AND
        unit_id <> ''::text AND octet_length(charge_id) <= 2000 AND (octet_length(tenant_user_id) +
        octet_length(unit_id)) <= 2000),
    CONSTRAINT charges_reverses_other_check CHECK (reverses_charge_id <> charge_id),
    CONSTRAINT charges_type_check CHECK (type = ANY (ARRAY['rent'::text, 'late_fee'::text,
        'one_time'::text, 'credit'::text, 'adjustment'::text]))
);
CREATE INDEX charges_account_idx ON ledger.charges USING btree (tenant, account_id) WHERE account_id
    IS NOT NULL;
CREATE UNIQUE INDEX charges_one_rent_key ON ledger.charges USING btree (tenant, tenant_user_id,
    unit_id, billing_period) WHERE type = 'rent'::text AND reverses_charge_id IS NULL AND
    reversed_at IS NULL AND duplicates_charge_id IS NULL;
CREATE UNIQUE INDEX charges_reversed_once_key ON ledger.charges USING btree (tenant,
    reverses_charge_id) WHERE reverses_charge_id IS NOT NULL;
CREATE TRIGGER charges_guard_columns BEFORE UPDATE ON ledger.charges FOR EACH ROW WHEN (old.tenant
    IS DISTINCT FROM new.tenant OR old.charge_id IS DISTINCT FROM new.charge_id OR
    old.tenant_user_id IS DISTINCT FROM new.tenant_user_id OR old.unit_id IS DISTINCT FROM
    new.unit_id OR old.type IS DISTINCT FROM new.type OR old.description IS DISTINCT FROM
    new.description OR old.amount_cents IS DISTINCT FROM new.amount_cents OR old.currency IS
    DISTINCT FROM new.currency OR old.billing_period IS DISTINCT FROM new.billing_period OR
    old.created_by IS DISTINCT FROM new.created_by OR old.effective_on IS DISTINCT FROM
    new.effective_on OR old.reverses_charge_id IS DISTINCT FROM new.reverses_charge_id OR
    old.duplicates_charge_id IS DISTINCT FROM new.duplicates_charge_id OR old.source_run_key IS
    DISTINCT FROM new.source_run_key OR old.created_at IS DISTINCT FROM new.created_at OR
    old.reversed_at <> new.reversed_at OR old.reversed_at IS NOT NULL AND new.reversed_at IS NULL)
    EXECUTE FUNCTION ledger.guard_charges();
CREATE TRIGGER charges_guard_delete BEFORE DELETE ON ledger.charges FOR EACH STATEMENT EXECUTE
    FUNCTION ledger.guard_charges();
CREATE TRIGGER charges_guard_insert AFTER INSERT ON ledger.charges REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.guard_new_charges();
CREATE TRIGGER charges_guard_reversed BEFORE UPDATE OF reversed_at ON ledger.charges FOR EACH ROW
    WHEN (old.reversed_at IS NULL AND new.reversed_at IS NOT NULL) EXECUTE FUNCTION
    ledger.guard_charges('reversed');
CREATE TRIGGER charges_guard_truncate BEFORE TRUNCATE ON ledger.charges FOR EACH STATEMENT EXECUTE
    FUNCTION ledger.guard_charges();

TABLE ledger.payment_acts (
    tenant uuid NOT NULL,
    payment_id text COLLATE "C" NOT NULL,
    act_number bigint NOT NULL,
    act text NOT NULL,
    refund_id text COLLATE "C",
    reason text NOT NULL,
    row_before jsonb NOT NULL,
    acted_by text NOT NULL,
    acted_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT payment_acts_pkey PRIMARY KEY (tenant, payment_id, act_number),
    CONSTRAINT payment_acts_payment_fkey FOREIGN KEY (tenant, payment_id) REFERENCES
        ledger.payments(tenant, payment_id) ON UPDATE CASCADE,
    CONSTRAINT payment_acts_act_check CHECK (act = ANY (ARRAY['refund'::text, 'correct'::text,
        'move'::text])),
    CONSTRAINT payment_acts_reason_check CHECK (reason ~ '[^[:space:]]'::text),
    CONSTRAINT payment_acts_refund_check CHECK ((act = 'refund'::text) = (refund_id IS NOT NULL))
);
CREATE UNIQUE INDEX payment_acts_refund_once_key ON ledger.payment_acts USING btree (tenant,
    refund_id) WHERE refund_id IS NOT NULL;
CREATE TRIGGER payment_acts_guard_columns BEFORE UPDATE ON ledger.payment_acts FOR EACH ROW WHEN
    (old.tenant IS DISTINCT FROM new.tenant OR old.act_number IS DISTINCT FROM new.act_number OR
    old.act IS DISTINCT FROM new.act OR old.refund_id IS DISTINCT FROM new.refund_id OR old.reason
    IS DISTINCT FROM new.reason OR old.row_before IS DISTINCT FROM new.row_before OR old.acted_by IS
    DISTINCT FROM new.acted_by OR old.acted_at IS DISTINCT FROM new.acted_at) EXECUTE FUNCTION
    ledger.guard_movements();
CREATE TRIGGER payment_acts_guard_delete BEFORE DELETE ON ledger.payment_acts FOR EACH STATEMENT
    EXECUTE FUNCTION ledger.guard_movements('payment_acts');
CREATE TRIGGER payment_acts_guard_payment BEFORE UPDATE OF payment_id ON ledger.payment_acts FOR
    EACH ROW WHEN (old.payment_id <> new.payment_id) EXECUTE FUNCTION
    ledger.guard_movements('renamed');
CREATE TRIGGER payment_acts_guard_truncate BEFORE TRUNCATE ON ledger.payment_acts FOR EACH STATEMENT
    EXECUTE FUNCTION ledger.guard_movements('payment_acts');

TABLE ledger.payment_movements (
    tenant uuid NOT NULL,
    payment_id text COLLATE "C" NOT NULL,
    movement_number bigint NOT NULL,
    tenant_user_id text COLLATE "C" NOT NULL,
    unit_id text COLLATE "C" NOT NULL,
    account_id uuid NOT NULL GENERATED ALWAYS AS ((md5(((((length(tenant_user_id))::text ||
        ':'::text) || tenant_user_id) || unit_id)))::uuid) STORED,
    currency character(3) NOT NULL,
    kind text NOT NULL,
    amount_cents bigint NOT NULL,
    effective_on date NOT NULL,
    source text NOT NULL,
    source_id text COLLATE "C",
    moment timestamp with time zone,
    description text,
    corrects_number bigint,
    corrected_at timestamp with time zone,
    recorded_by text NOT NULL DEFAULT SESSION_USER,
    recorded_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT payment_movements_pkey PRIMARY KEY (tenant, payment_id, movement_number),
    CONSTRAINT payment_movements_payment_fkey FOREIGN KEY (tenant, payment_id) REFERENCES
        ledger.payments(tenant, payment_id) ON UPDATE CASCADE,
    CONSTRAINT payment_movements_amount_cents_check CHECK (amount_cents >= '-9999999999999'::bigint
        AND amount_cents <= '9999999999999'::bigint),
    CONSTRAINT payment_movements_correction_stays_check CHECK (num_nulls(corrects_number,
        corrected_at) > 0),
    CONSTRAINT payment_movements_corrects_earlier_check CHECK (corrects_number < movement_number),
    CONSTRAINT payment_movements_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
    CONSTRAINT payment_movements_days_check CHECK (effective_on >= '0001-01-01'::date AND
        effective_on <= '9999-12-31'::date),
    CONSTRAINT payment_movements_kind_check CHECK (kind = ANY (ARRAY['received'::text,
        'refund'::text, 'refund_undone'::text, 'dispute_lost'::text, 'dispute_reinstated'::text])),
    CONSTRAINT payment_movements_sign_check CHECK (amount_cents <> 0 AND (kind = 'received'::text OR
        corrects_number IS NOT NULL OR (amount_cents < 0) = (kind = ANY (ARRAY['refund'::text,
        'dispute_lost'::text])))),
    CONSTRAINT payment_movements_source_check CHECK (source = ANY (ARRAY['payment'::text,
        'charge'::text, 'refund'::text, 'dispute'::text, 'import'::text, 'hand'::text]))
);
CREATE INDEX payment_movements_account_idx ON ledger.payment_movements USING btree (tenant,
    account_id) WHERE account_id IS NOT NULL;
CREATE INDEX payment_movements_back_idx ON ledger.payment_movements USING btree (tenant, payment_id,
    effective_on) WHERE amount_cents < 0 AND kind <> 'received'::text AND corrects_number IS NULL
    AND corrected_at IS NULL;
CREATE UNIQUE INDEX payment_movements_corrected_once_key ON ledger.payment_movements USING btree
    (tenant, payment_id, corrects_number) WHERE corrects_number IS NOT NULL;
CREATE UNIQUE INDEX payment_movements_once_key ON ledger.payment_movements USING btree (tenant,
    payment_id, source, source_id, kind, moment) WHERE corrects_number IS NULL AND corrected_at IS
    NULL;
CREATE TRIGGER payment_movements_guard_columns BEFORE UPDATE ON ledger.payment_movements FOR EACH
    ROW WHEN (old.tenant IS DISTINCT FROM new.tenant OR old.movement_number IS DISTINCT FROM
    new.movement_number OR old.tenant_user_id IS DISTINCT FROM new.tenant_user_id OR old.unit_id IS
    DISTINCT FROM new.unit_id OR old.currency IS DISTINCT FROM new.currency OR old.kind IS DISTINCT
    FROM new.kind OR old.amount_cents IS DISTINCT FROM new.amount_cents OR old.effective_on IS
    DISTINCT FROM new.effective_on OR old.source IS DISTINCT FROM new.source OR old.source_id IS
    DISTINCT FROM new.source_id OR old.moment IS DISTINCT FROM new.moment OR old.description IS
    DISTINCT FROM new.description OR old.corrects_number IS DISTINCT FROM new.corrects_number OR
    old.recorded_by IS DISTINCT FROM new.recorded_by OR old.recorded_at IS DISTINCT FROM
    new.recorded_at OR old.corrected_at <> new.corrected_at OR old.corrected_at IS NOT NULL AND
    new.corrected_at IS NULL) EXECUTE FUNCTION ledger.guard_movements();
CREATE TRIGGER payment_movements_guard_corrected BEFORE UPDATE OF corrected_at ON
    ledger.payment_movements FOR EACH ROW WHEN (old.corrected_at IS NULL AND new.corrected_at IS NOT
    NULL) EXECUTE FUNCTION ledger.guard_movements('corrected');
CREATE TRIGGER payment_movements_guard_delete BEFORE DELETE ON ledger.payment_movements FOR EACH
    STATEMENT EXECUTE FUNCTION ledger.guard_movements('payment_movements');
CREATE TRIGGER payment_movements_guard_insert AFTER INSERT ON ledger.payment_movements REFERENCING
    NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION ledger.guard_new_movements();
CREATE TRIGGER payment_movements_guard_payment BEFORE UPDATE OF payment_id ON
    ledger.payment_movements FOR EACH ROW WHEN (old.payment_id <> new.payment_id) EXECUTE FUNCTION
    ledger.guard_movements('renamed');
CREATE TRIGGER payment_movements_guard_truncate BEFORE TRUNCATE ON ledger.payment_movements FOR EACH
    STATEMENT EXECUTE FUNCTION ledger.guard_movements('payment_movements');

TABLE ledger.payments (
    tenant uuid NOT NULL,
    payment_id text COLLATE "C" NOT NULL,
    tenant_user_id text COLLATE "C" NOT NULL,
    unit_id text COLLATE "C" NOT NULL,
    account_id uuid NOT NULL GENERATED ALWAYS AS ((md5(((((length(tenant_user_id))::text ||
        ':'::text) || tenant_user_id) || unit_id)))::uuid) STORED,
    amount_cents bigint,
    currency character(3) NOT NULL DEFAULT 'USD'::bpchar,
    payment_method text,
    status text NOT NULL,
    billing_period text COLLATE "C",
    stripe_session_id text,
    stripe_payment_intent_id text COLLATE "C",
    paid_on date,
    refunded_cents bigint NOT NULL DEFAULT 0,
    refunded_on date,
    disputed boolean NOT NULL DEFAULT false,
    created_on date NOT NULL DEFAULT CURRENT_DATE,
    quarantine_reason text,
    recorded_by text,
    moved_by text,
    CONSTRAINT payments_pkey PRIMARY KEY (tenant, payment_id),
    CONSTRAINT payments_amount_cents_check CHECK (amount_cents >= '-9999999999999'::bigint AND
        amount_cents <= '9999999999999'::bigint),
    CONSTRAINT payments_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text),
    CONSTRAINT payments_days_check CHECK (paid_on >= '0001-01-01'::date AND paid_on <=
        '9999-12-31'::date AND refunded_on >= '0001-01-01'::date AND refunded_on <=
        '9999-12-31'::date AND created_on >= '0001-01-01'::date AND created_on <=
        '9999-12-31'::date),
    CONSTRAINT payments_ids_check CHECK (payment_id <> ''::text AND tenant_user_id <> ''::text AND
        unit_id <> ''::text AND octet_length(payment_id) <= 2000 AND (octet_length(tenant_user_id) +
        octet_length(unit_id)) <= 2000),
    CONSTRAINT payments_quarantine_check CHECK (quarantine_reason = ANY (ARRAY['unknown_unit'::text,
        'invalid_billing_period'::text])),
    CONSTRAINT payments_refunded_cents_check CHECK (refunded_cents >= 0)
);
CREATE INDEX payments_account_idx ON ledger.payments USING btree (tenant, account_id) WHERE
    account_id IS NOT NULL;
CREATE UNIQUE INDEX payments_payment_intent_key ON ledger.payments USING btree (tenant,
    stripe_payment_intent_id) WHERE stripe_payment_intent_id IS NOT NULL;
CREATE INDEX payments_pending_idx ON ledger.payments USING btree (tenant, account_id) WHERE status =
    'pending'::text;
CREATE INDEX payments_quarantine_idx ON ledger.payments USING btree (tenant, unit_id) WHERE
    quarantine_reason IS NOT NULL;
CREATE INDEX payments_session_idx ON ledger.payments USING btree (tenant, stripe_session_id) WHERE
    stripe_session_id IS NOT NULL;
CREATE TRIGGER payments_guard_delete BEFORE DELETE ON ledger.payments FOR EACH ROW EXECUTE FUNCTION
    ledger.guard_movements('unmoved');
CREATE TRIGGER payments_guard_insert AFTER INSERT ON ledger.payments REFERENCING NEW TABLE AS
    new_rows FOR EACH STATEMENT EXECUTE FUNCTION ledger.guard_payments();
CREATE TRIGGER payments_guard_update AFTER UPDATE ON ledger.payments REFERENCING OLD TABLE AS
    old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION ledger.guard_payments();

TABLE ledger.properties (
    tenant uuid NOT NULL,
    property_id text COLLATE "C" NOT NULL,
    name text,
    timezone text,
    currency character(3) NOT NULL DEFAULT 'USD'::bpchar,
    CONSTRAINT properties_pkey PRIMARY KEY (tenant, property_id),
    CONSTRAINT properties_currency_check CHECK (currency ~ '^[A-Z]{3}$'::text)
);
CREATE TRIGGER properties_guard_insert AFTER INSERT ON ledger.properties REFERENCING NEW TABLE AS
    new_rows FOR EACH STATEMENT EXECUTE FUNCTION ledger.guard_properties();
CREATE TRIGGER properties_guard_update AFTER UPDATE ON ledger.properties REFERENCING NEW TABLE AS
    new_rows FOR EACH STATEMENT EXECUTE FUNCTION ledger.guard_properties();

TABLE ledger.stripe_disputes (
    tenant uuid NOT NULL,
    payment_key text COLLATE "C" NOT NULL,
    dispute_id text COLLATE "C" NOT NULL,
    amount bigint,
    is_disputed boolean NOT NULL,
    CONSTRAINT stripe_disputes_pkey PRIMARY KEY (tenant, payment_key, dispute_id),
    CONSTRAINT stripe_disputes_payment_fkey FOREIGN KEY (tenant, payment_key) REFERENCES
        ledger.stripe_payments(tenant, payment_key)
);
CREATE INDEX stripe_disputes_disputed_idx ON ledger.stripe_disputes USING btree (tenant,
    payment_key) WHERE is_disputed;

TABLE ledger.stripe_events (
    tenant uuid NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    event_type text NOT NULL,
    created bigint NOT NULL,
    payment_key text COLLATE "C",
    received_number bigint,
    outcome text NOT NULL,
    final_outcome text NOT NULL,
    received_at timestamp with time zone NOT NULL,
    event jsonb NOT NULL,
    kind text,
    subject text,
    subject_id text COLLATE "C",
    weight smallint,
    rank bigint,
    says text,
    amount bigint,
    moment bigint,
    creates boolean,
    tenant_user_id text COLLATE "C",
    unit_id text COLLATE "C",
    billing_period text COLLATE "C",
    currency text,
    session_id text COLLATE "C",
    livemode boolean,
    CONSTRAINT stripe_events_pkey PRIMARY KEY (tenant, event_id),
    CONSTRAINT stripe_events_payment_fkey FOREIGN KEY (tenant, payment_key) REFERENCES
        ledger.stripe_payments(tenant, payment_key),
    CONSTRAINT stripe_events_final_outcome_check CHECK (final_outcome = ANY (ARRAY['applied'::text,
        'stale'::text, 'unmatched'::text, 'ignored'::text, 'foreign'::text, 'imported'::text])),
    CONSTRAINT stripe_events_number_check CHECK ((payment_key IS NULL) = (received_number IS NULL)),
    CONSTRAINT stripe_events_outcome_check CHECK (outcome = ANY (ARRAY['applied'::text,
        'stale'::text, 'unmatched'::text, 'ignored'::text, 'foreign'::text, 'imported'::text]))
);
CREATE INDEX stripe_events_names_payment_idx ON ledger.stripe_events USING btree (tenant,
    payment_key, created, event_id) WHERE creates;
CREATE INDEX stripe_events_subject_idx ON ledger.stripe_events USING btree (tenant, payment_key,
    subject, subject_id, weight, created, rank, event_id);
CREATE INDEX stripe_events_unread_idx ON ledger.stripe_events USING btree (tenant, payment_key)
    WHERE payment_key IS NOT NULL AND subject IS NULL;
CREATE INDEX stripe_events_waiting_idx ON ledger.stripe_events USING btree (tenant, payment_key,
    event_id) WHERE final_outcome = ANY (ARRAY['unmatched'::text, 'ignored'::text]);

TABLE ledger.stripe_payments (
    tenant uuid NOT NULL,
    payment_key text COLLATE "C" NOT NULL,
    last_received_number bigint NOT NULL,
    imported jsonb,
    imported_number bigint,
    tenant_user_id text,
    unit_id text,
    billing_period text,
    status text,
    amount_cents bigint,
    currency text,
    refunded_cents bigint,
    disputed boolean,
    hold_reason text,
    first_created bigint,
    received_at bigint,
    received_from text,
    session_id text COLLATE "C",
    objects_cents bigint NOT NULL DEFAULT 0,
    CONSTRAINT stripe_payments_pkey PRIMARY KEY (tenant, payment_key),
    CONSTRAINT stripe_payments_hold_check CHECK (hold_reason = 'other_currency'::text),
    CONSTRAINT stripe_payments_imported_check CHECK ((imported IS NULL) = (imported_number IS NULL))
);

TABLE ledger.stripe_refunds (
    tenant uuid NOT NULL,
    payment_key text COLLATE "C" NOT NULL,
    refund_id text COLLATE "C" NOT NULL,
    refunded_at bigint NOT NULL,
    amount bigint NOT NULL,
    undone_at bigint,
    is_waiting boolean NOT NULL,
    CONSTRAINT stripe_refunds_pkey PRIMARY KEY (tenant, payment_key, refund_id),
    CONSTRAINT stripe_refunds_payment_fkey FOREIGN KEY (tenant, payment_key) REFERENCES
        ledger.stripe_payments(tenant, payment_key)
);
CREATE INDEX stripe_refunds_moment_idx ON ledger.stripe_refunds USING btree (tenant, payment_key,
    refunded_at) WHERE NOT is_waiting;

TABLE ledger.stripe_settings (
    tenant uuid NOT NULL,
    metadata_keys jsonb NOT NULL DEFAULT '{}'::jsonb,
    livemode boolean,
    account text COLLATE "C",
    set_by text NOT NULL DEFAULT SESSION_USER,
    set_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT stripe_settings_pkey PRIMARY KEY (tenant),
    CONSTRAINT stripe_settings_keys_check CHECK (jsonb_typeof(metadata_keys) = 'object'::text)
);

TABLE ledger.tenancies (
    tenant uuid NOT NULL,
    tenancy_id text COLLATE "C" NOT NULL,
    tenant_user_id text COLLATE "C" NOT NULL,
    unit_id text COLLATE "C" NOT NULL,
    account_id uuid NOT NULL GENERATED ALWAYS AS ((md5(((((length(tenant_user_id))::text ||
        ':'::text) || tenant_user_id) || unit_id)))::uuid) STORED,
    start_on date NOT NULL,
    end_on date,
    rent_amount_cents bigint,
    CONSTRAINT tenancies_pkey PRIMARY KEY (tenant, tenancy_id),
    CONSTRAINT tenancies_unit_fkey FOREIGN KEY (tenant, unit_id) REFERENCES ledger.units(tenant,
        unit_id),
    CONSTRAINT tenancies_days_check CHECK (start_on >= '0001-01-01'::date AND start_on <=
        '9999-12-31'::date AND end_on >= '0001-01-01'::date AND end_on <= '9999-12-31'::date),
    CONSTRAINT tenancies_ids_check CHECK (tenancy_id <> ''::text AND tenant_user_id <> ''::text AND
        unit_id <> ''::text AND octet_length(tenancy_id) <= 2000 AND (octet_length(tenant_user_id) +
        octet_length(unit_id)) <= 2000),
    CONSTRAINT tenancies_rent_amount_cents_check CHECK (rent_amount_cents >=
        '-9999999999999'::bigint AND rent_amount_cents <= '9999999999999'::bigint),
    CONSTRAINT tenancies_some_day_check CHECK (end_on > start_on)
);
CREATE INDEX tenancies_account_idx ON ledger.tenancies USING btree (tenant, account_id);
CREATE INDEX tenancies_unit_idx ON ledger.tenancies USING btree (tenant, unit_id);

TABLE ledger.unit_rents (
    tenant uuid NOT NULL,
    unit_id text COLLATE "C" NOT NULL,
    effective_from date NOT NULL,
    rent_amount_cents bigint NOT NULL,
    CONSTRAINT unit_rents_pkey PRIMARY KEY (tenant, unit_id, effective_from),
    CONSTRAINT unit_rents_unit_fkey FOREIGN KEY (tenant, unit_id) REFERENCES ledger.units(tenant,
        unit_id),
    CONSTRAINT unit_rents_days_check CHECK (effective_from >= '0001-01-01'::date AND effective_from
        <= '9999-12-31'::date),
    CONSTRAINT unit_rents_rent_amount_cents_check CHECK (rent_amount_cents >=
        '-9999999999999'::bigint AND rent_amount_cents <= '9999999999999'::bigint)
);

TABLE ledger.units (
    tenant uuid NOT NULL,
    unit_id text COLLATE "C" NOT NULL,
    property_id text COLLATE "C",
    unit_number text,
    rent_amount_cents bigint,
    rent_due_day integer,
    CONSTRAINT units_pkey PRIMARY KEY (tenant, unit_id),
    CONSTRAINT units_property_fkey FOREIGN KEY (tenant, property_id) REFERENCES
        ledger.properties(tenant, property_id),
    CONSTRAINT units_rent_amount_cents_check CHECK (rent_amount_cents >= '-9999999999999'::bigint
        AND rent_amount_cents <= '9999999999999'::bigint),
    CONSTRAINT units_rent_due_day_check CHECK (rent_due_day >= 1 AND rent_due_day <= 31)
);
CREATE TRIGGER units_guard_delete AFTER DELETE ON ledger.units REFERENCING OLD TABLE AS touched_rows
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.guard_units();
CREATE TRIGGER units_guard_insert AFTER INSERT ON ledger.units REFERENCING NEW TABLE AS touched_rows
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.guard_units();
CREATE TRIGGER units_guard_renamed_from AFTER UPDATE ON ledger.units REFERENCING OLD TABLE AS
    touched_rows FOR EACH STATEMENT EXECUTE FUNCTION ledger.guard_units();
CREATE TRIGGER units_guard_renamed_to AFTER UPDATE ON ledger.units REFERENCING NEW TABLE AS
    touched_rows FOR EACH STATEMENT EXECUTE FUNCTION ledger.guard_units();

TYPE ledger.payment_movement (
    tenant uuid,
    payment_id text,
    movement_number bigint,
    tenant_user_id text,
    unit_id text,
    currency text,
    kind text,
    amount_cents bigint,
    effective_on date,
    source text,
    source_id text,
    moment timestamp with time zone,
    description text
);

TABLE ops._yoyo_log (
    id character varying(36) NOT NULL,
    migration_hash character varying(64),
    migration_id character varying(255),
    operation character varying(10),
    username character varying(255),
    hostname character varying(255),
    comment character varying(255),
    created_at_utc timestamp without time zone,
    CONSTRAINT _yoyo_log_pkey PRIMARY KEY (id)
);

TABLE ops._yoyo_migration (
    migration_hash character varying(64) NOT NULL,
    migration_id character varying(255),
    applied_at_utc timestamp without time zone,
    CONSTRAINT _yoyo_migration_pkey PRIMARY KEY (migration_hash)
);

TABLE ops._yoyo_version (
    version integer NOT NULL,
    installed_at_utc timestamp without time zone,
    CONSTRAINT _yoyo_version_pkey PRIMARY KEY (version)
);

TABLE ops.accepted_drift (
    identity text NOT NULL,
    accepted_at timestamp with time zone NOT NULL,
    accepted_by text NOT NULL,
    reason text NOT NULL,
    state text NOT NULL,
    recorded text NOT NULL,
    live text NOT NULL,
    CONSTRAINT accepted_drift_pkey PRIMARY KEY (identity, accepted_at),
    CONSTRAINT accepted_drift_reason_check CHECK (reason ~ '[^[:space:]]'::text)
);

TABLE ops.applied_catalog (
    identity text NOT NULL,
    place integer NOT NULL,
    statement text NOT NULL,
    fingerprint text NOT NULL,
    parent text,
    path text NOT NULL,
    CONSTRAINT applied_catalog_pkey PRIMARY KEY (identity, place)
);

TABLE ops.applied_migrations (
    migration_id text NOT NULL,
    checksum text NOT NULL,
    text text NOT NULL,
    package_checksum text NOT NULL,
    package_version text NOT NULL,
    applied_at timestamp with time zone NOT NULL,
    applied_by text NOT NULL,
    CONSTRAINT applied_migrations_pkey PRIMARY KEY (migration_id)
);

TABLE ops.applied_objects (
    path text NOT NULL,
    exact_checksum text NOT NULL,
    loose_checksum text NOT NULL,
    package_version text NOT NULL,
    applied_at timestamp with time zone NOT NULL,
    applied_by text NOT NULL,
    CONSTRAINT applied_objects_pkey PRIMARY KEY (path)
);

TABLE ops.check_results (
    tenant uuid NOT NULL,
    check_name text NOT NULL,
    first_seen_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL,
    as_of date NOT NULL,
    outcome text NOT NULL,
    errors bigint NOT NULL,
    warnings bigint NOT NULL,
    waived bigint NOT NULL,
    recorded_by text NOT NULL,
    CONSTRAINT check_results_pkey PRIMARY KEY (tenant, check_name, first_seen_at),
    CONSTRAINT check_results_outcome_check CHECK (outcome = ANY (ARRAY['ok'::text, 'waived'::text,
        'warned'::text, 'failed'::text, 'errored'::text])),
    CONSTRAINT check_results_time_check CHECK (first_seen_at <= last_seen_at)
);

TABLE ops.check_waivers (
    tenant uuid NOT NULL,
    waiver_id uuid NOT NULL DEFAULT gen_random_uuid(),
    check_name text NOT NULL,
    object_key text,
    reason text NOT NULL,
    valid_until date NOT NULL,
    waived_by text NOT NULL,
    waived_at timestamp with time zone NOT NULL DEFAULT now(),
    ended_by text,
    ended_at timestamp with time zone,
    CONSTRAINT check_waivers_pkey PRIMARY KEY (tenant, waiver_id),
    CONSTRAINT check_waivers_end_check CHECK ((ended_by IS NULL) = (ended_at IS NULL)),
    CONSTRAINT check_waivers_reason_check CHECK (reason ~ '[^[:space:]]'::text)
);
CREATE UNIQUE INDEX check_waivers_open_key ON ops.check_waivers USING btree (tenant, check_name,
    object_key) NULLS NOT DISTINCT WHERE ended_at IS NULL;

TABLE ops.engine_settings (
    setting text NOT NULL,
    value text NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    recorded_by text NOT NULL,
    CONSTRAINT engine_settings_pkey PRIMARY KEY (setting)
);

TABLE ops.import_lines (
    tenant uuid NOT NULL,
    import_key text NOT NULL,
    file_name text NOT NULL,
    line_number bigint NOT NULL,
    fields jsonb NOT NULL,
    CONSTRAINT import_lines_pkey PRIMARY KEY (tenant, import_key, file_name, line_number)
);

TABLE ops.partition_moves (
    table_name text NOT NULL,
    leaf_name text NOT NULL,
    partitions integer NOT NULL,
    file_node oid NOT NULL,
    pages bigint NOT NULL,
    pages_copied bigint NOT NULL DEFAULT 0,
    begun_at timestamp with time zone NOT NULL,
    begun_by text NOT NULL,
    CONSTRAINT partition_moves_pkey PRIMARY KEY (table_name, leaf_name),
    CONSTRAINT partition_moves_pages_check CHECK (pages_copied >= 0 AND pages_copied <= pages)
);

TABLE ops.run_controls (
    tenant uuid NOT NULL,
    procedure_name text NOT NULL,
    run_key text NOT NULL,
    number integer NOT NULL,
    control text NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    asked_by text NOT NULL,
    reason text,
    CONSTRAINT run_controls_pkey PRIMARY KEY (tenant, procedure_name, run_key, number),
    CONSTRAINT run_controls_run_fkey FOREIGN KEY (tenant, procedure_name, run_key) REFERENCES
        ops.runs(tenant, procedure_name, run_key),
    CONSTRAINT run_controls_control_check CHECK (control = ANY (ARRAY['pause'::text, 'resume'::text,
        'cancel'::text]))
);

TABLE ops.run_escalations (
    tenant uuid NOT NULL,
    procedure_name text NOT NULL,
    run_key text NOT NULL,
    subject_id uuid NOT NULL,
    reasons text[] NOT NULL,
    fingerprint text NOT NULL,
    captured_rows jsonb NOT NULL,
    captured_at timestamp with time zone NOT NULL,
    CONSTRAINT run_escalations_pkey PRIMARY KEY (tenant, procedure_name, run_key, subject_id),
    CONSTRAINT run_escalations_run_fkey FOREIGN KEY (tenant, procedure_name, run_key) REFERENCES
        ops.runs(tenant, procedure_name, run_key)
);
CREATE INDEX run_escalations_known_idx ON ops.run_escalations USING btree (tenant, subject_id,
    fingerprint);

TABLE ops.run_removals (
    tenant uuid NOT NULL,
    procedure_name text NOT NULL,
    run_key text NOT NULL,
    record_id uuid NOT NULL,
    CONSTRAINT run_removals_pkey PRIMARY KEY (tenant, procedure_name, run_key, record_id),
    CONSTRAINT run_removals_run_fkey FOREIGN KEY (tenant, procedure_name, run_key) REFERENCES
        ops.runs(tenant, procedure_name, run_key)
);

TABLE ops.runs (
    tenant uuid NOT NULL,
    procedure_name text NOT NULL,
    run_key text NOT NULL,
    arguments jsonb NOT NULL,
    status text NOT NULL,
    plan_hash text,
    reviewed_batches jsonb,
    next_key uuid,
    unit text NOT NULL,
    rows_written bigint NOT NULL DEFAULT 0,
    batches integer NOT NULL DEFAULT 0,
    units_total bigint NOT NULL,
    units_done bigint NOT NULL DEFAULT 0,
    units_escalated bigint NOT NULL DEFAULT 0,
    new_escalations bigint NOT NULL DEFAULT 0,
    counts jsonb NOT NULL DEFAULT '{}'::jsonb,
    role_name text NOT NULL,
    application_name text NOT NULL,
    backend_pid integer NOT NULL,
    backend_start timestamp with time zone,
    started_at timestamp with time zone NOT NULL,
    heartbeat_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    sqlstate text,
    error text,
    settings jsonb NOT NULL DEFAULT '{}'::jsonb,
    waits_for text,
    called_at timestamp with time zone,
    called_units bigint NOT NULL DEFAULT 0,
    called_rows bigint NOT NULL DEFAULT 0,
    reverted_at timestamp with time zone,
    reverted_by text,
    revert_reason text,
    CONSTRAINT runs_pkey PRIMARY KEY (tenant, procedure_name, run_key),
    CONSTRAINT runs_reverted_check CHECK (num_nonnulls(reverted_at, reverted_by, revert_reason) =
        CASE status WHEN 'reverted'::text THEN 3 ELSE 0 END),
    CONSTRAINT runs_run_key_check CHECK (run_key <> ''::text),
    CONSTRAINT runs_status_check CHECK (status = ANY (ARRAY['running'::text, 'failed'::text,
        'interrupted'::text, 'locked'::text, 'stale_plan'::text, 'paused'::text, 'cancelled'::text,
        'partial'::text, 'escalated'::text, 'nothing_to_do'::text, 'done'::text, 'reverted'::text]))
);

TABLE ops.tenant_locks (
    tenant uuid NOT NULL,
    ledger_writes bigint NOT NULL DEFAULT 0,
    CONSTRAINT tenant_locks_pkey PRIMARY KEY (tenant)
);
CREATE TRIGGER tenant_locks_guard_delete BEFORE DELETE ON ops.tenant_locks FOR EACH STATEMENT
    EXECUTE FUNCTION ops.guard_tenant_locks();
CREATE TRIGGER tenant_locks_guard_tenant BEFORE UPDATE OF tenant ON ops.tenant_locks FOR EACH
    STATEMENT EXECUTE FUNCTION ops.guard_tenant_locks();
CREATE TRIGGER tenant_locks_guard_truncate BEFORE TRUNCATE ON ops.tenant_locks FOR EACH STATEMENT
    EXECUTE FUNCTION ops.guard_tenant_locks();

TABLE ops.tenant_permissions (
    tenant uuid NOT NULL,
    role_name text NOT NULL,
    role_oid oid NOT NULL,
    permission text NOT NULL,
    granted_by text NOT NULL,
    granted_at timestamp with time zone NOT NULL,
    CONSTRAINT tenant_permissions_pkey PRIMARY KEY (tenant, role_name, permission),
    CONSTRAINT tenant_permissions_permission_check CHECK (permission = ANY
        (ARRAY['billing.recurring_service_periods.view'::text,
        'billing.recurring_service_periods.manage_future'::text,
        'billing.recurring_service_periods.regenerate'::text,
        'billing.recurring_service_periods.correct_history'::text]))
);

TABLE ops.yoyo_lock (
    locked integer NOT NULL DEFAULT 1,
    ctime timestamp without time zone,
    pid integer NOT NULL,
    CONSTRAINT yoyo_lock_pkey PRIMARY KEY (locked)
);

TYPE ops.import_fault (
    table_name text,
    line_number bigint,
    column_name text,
    value text,
    reason text
);

VIEW ops.held_permissions (
    tenant uuid,
    role_name text,
    role_oid oid,
    permission text
);

VIEW ops.routines (
    routine_oid oid,
    is_open boolean
);

VIEW ops.unexplained_rights (
    role_name text,
    is_default boolean,
    object_name text COLLATE "C",
    privileges text COLLATE "C",
    repair_call text COLLATE "C"
);

PROCEDURE billing.advance_billing_cycles(p_tenant uuid, p_as_of date, p_client_id uuid DEFAULT
    NULL::uuid, INOUT o_cycles bigint DEFAULT NULL::bigint, INOUT o_rows bigint DEFAULT
    NULL::bigint, INOUT o_status text DEFAULT NULL::text, p_lock_timeout interval DEFAULT
    '00:00:10'::interval, p_source_rule_version text DEFAULT
    'service-driven-invoicing-cutover-v1'::text)
    LANGUAGE plpgsql;
PROCEDURE billing.archive_service_period(p_tenant uuid, p_record_id uuid DEFAULT NULL::uuid,
    p_reason text DEFAULT NULL::text)
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION billing.assert_due_scope(p_tenant uuid, p_as_of date, p_client_id uuid, p_due_only boolean,
    p_limit integer)
    RETURNS void
    LANGUAGE plpgsql STABLE;
FUNCTION billing.assert_invoice_scope(p_tenant uuid, p_client_id uuid, p_window_start date,
    p_window_end date, p_execution_identity_keys text[], p_as_of date)
    RETURNS void
    LANGUAGE plpgsql STABLE;
FUNCTION billing.assert_schedules_sound(p_tenant uuid, p_schedule_keys text[])
    RETURNS void
    LANGUAGE plpgsql;
FUNCTION billing.assess_coverage(p_tenant uuid, p_as_of date, p_target_horizon_days integer DEFAULT
    180, p_replenishment_threshold_days integer DEFAULT 45, p_client_id uuid DEFAULT NULL::uuid,
    p_schedule_key text DEFAULT NULL::text)
    RETURNS TABLE(tenant uuid, client_id uuid, obligation_id uuid, schedule_key text,
        furthest_generated_end date, target_horizon_end date, replenishment_threshold_end date,
        meets_target_horizon boolean, needs_replenishment boolean, continuity_issues jsonb)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
PROCEDURE billing.attest_cutover_step(p_tenant uuid, p_step integer DEFAULT NULL::integer, p_note
    text DEFAULT NULL::text, INOUT o_attested_by text DEFAULT NULL::text, INOUT o_attested_at
    timestamp with time zone DEFAULT NULL::timestamp with time zone)
    LANGUAGE plpgsql SECURITY DEFINER;
PROCEDURE billing.backfill_service_periods(p_tenant uuid, p_as_of date, p_run_key text DEFAULT
    NULL::text, p_source_rule_version text DEFAULT 'service-driven-invoicing-cutover-v1'::text,
    p_batch_size integer DEFAULT 5000, p_max_batches integer DEFAULT NULL::integer, p_pause interval
    DEFAULT NULL::interval, p_lock_timeout interval DEFAULT '00:00:10'::interval, p_dry_run boolean
    DEFAULT false, p_expected_plan_hash text DEFAULT NULL::text, INOUT o_rows bigint DEFAULT
    NULL::bigint, INOUT o_batches integer DEFAULT NULL::integer, INOUT o_status text DEFAULT
    NULL::text, p_accept_escalations text DEFAULT NULL::text, p_client_id uuid DEFAULT NULL::uuid,
    p_schedule_key text DEFAULT NULL::text, p_target_horizon_days integer DEFAULT 180,
    p_replenishment_threshold_days integer DEFAULT 45, p_max_periods_per_schedule integer DEFAULT
    1000, p_max_replica_lag interval DEFAULT NULL::interval, p_max_wal_to_archive integer DEFAULT
    NULL::integer, p_max_waiting_sessions integer DEFAULT NULL::integer)
    LANGUAGE plpgsql;
FUNCTION billing.cadence_boundary(p_origin date, p_step_days integer, p_step_months integer, p_index
    integer)
    RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE;
FUNCTION billing.cadence_index(p_origin date, p_step_days integer, p_step_months integer, p_day
    date)
    RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE;
FUNCTION billing.candidate_page(p_tenant uuid, p_as_of date, p_client_ids uuid[], p_search text,
    p_due_only boolean, p_limit integer, p_after jsonb, OUT o_record_ids uuid[], OUT o_fallbacks
    billing.due_fallback[])
    RETURNS record
    LANGUAGE plpgsql STABLE;
FUNCTION billing.candidate_service_periods(p_tenant uuid, p_as_of date, p_target_horizon_days
    integer DEFAULT 180, p_client_id uuid DEFAULT NULL::uuid, p_schedule_key text DEFAULT
    NULL::text, p_max_periods_per_schedule integer DEFAULT 1000)
    RETURNS TABLE(tenant uuid, record_id uuid, client_id uuid, obligation_id uuid, obligation_type
        text, schedule_key text, period_key text, revision integer, charge_family text,
        cadence_owner text, due_position text, service_period_start date, service_period_end date,
        invoice_window_start date, invoice_window_end date, activity_window_start date,
        activity_window_end date, timing_metadata jsonb, whole_period_start date, whole_period_end
        date)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.captured_rows(p_tenant uuid, p_obligation_id uuid)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_anchor_reference_not_utc_midnight(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_billed_linkage(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_catalog_drift(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_coverage(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_cycle_gap(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_cycle_not_utc_midnight(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_cycle_open_end(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_cycle_overlap(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_day_twice(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_detail_exclusive_end(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_detail_mismatch(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_double_billed(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_escalation(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_fallback(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_history_before_ledger(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_history_gap(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_invoice_number_twice(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_ledger_guard(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_lineage(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_linkage_target(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_pending_plan(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_permission_excess(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_permission_missing(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_quarantine(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_row_overlap(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_schedule_key(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_settled_row(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_slot_collision(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_status_contradicts(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_stranded_usage(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_unfinished_run(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.check_unlinked_detail(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.clients_asked_for(p_tenant uuid, p_client_id uuid, p_search text)
    RETURNS uuid[]
    LANGUAGE plpgsql STABLE;
FUNCTION billing.count_linkage_faults(p_tenant uuid, p_client_id uuid, p_obligation_id uuid)
    RETURNS bigint
    LANGUAGE plpgsql STABLE;
FUNCTION billing.count_schedules(p_tenant uuid, p_client_id uuid, p_obligation_id uuid)
    RETURNS bigint
    LANGUAGE plpgsql STABLE;
FUNCTION billing.cutover_checklist(p_tenant uuid, p_as_of date)
    RETURNS TABLE(position integer, kind text, number integer, title text, status text, evidence
        text, next_command text, attested_by text, attested_at timestamp with time zone, note text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.cycle_windows(p_tenant uuid, p_client_ids uuid[], p_window_end_from date)
    RETURNS SETOF billing.cycle_window
    LANGUAGE plpgsql STABLE;
FUNCTION billing.days_due_twice(p_tenant uuid, p_record_ids uuid[])
    RETURNS boolean
    LANGUAGE plpgsql STABLE;
PROCEDURE billing.defer_service_period(p_tenant uuid, p_record_id uuid DEFAULT NULL::uuid,
    p_invoice_window_start date DEFAULT NULL::date, p_invoice_window_end date DEFAULT NULL::date,
    p_reason text DEFAULT NULL::text, INOUT o_record_id uuid DEFAULT NULL::uuid)
    LANGUAGE plpgsql SECURITY DEFINER;
PROCEDURE billing.delete_invoice(p_tenant uuid, p_invoice_id uuid DEFAULT NULL::uuid, p_reason text
    DEFAULT NULL::text, INOUT o_status text DEFAULT NULL::text, INOUT o_rows bigint DEFAULT
    NULL::bigint)
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION billing.due_fallbacks(p_tenant uuid, p_as_of date, p_client_ids uuid[], p_window_end_from
    date)
    RETURNS SETOF billing.due_fallback
    LANGUAGE plpgsql STABLE;
FUNCTION billing.due_page(p_tenant uuid, p_as_of date, p_client_ids uuid[], p_search text,
    p_due_only boolean, p_limit integer, p_after jsonb)
    RETURNS uuid[]
    LANGUAGE plpgsql STABLE;
FUNCTION billing.due_work(p_tenant uuid, p_as_of date, p_client_id uuid DEFAULT NULL::uuid, p_search
    text DEFAULT NULL::text, p_due_only boolean DEFAULT false, p_limit integer DEFAULT
    NULL::integer, p_after text DEFAULT NULL::text)
    RETURNS TABLE(tenant uuid, execution_identity_key text, row_key text, selection_key text,
        retry_key text, reason text, record_id uuid, billing_cycle_id uuid, client_id uuid,
        client_name text, contract_id uuid, contract_name text, client_contract_id uuid,
        purchase_order_scope_id uuid, obligation_id uuid, contract_line_name text, obligation_type
        text, schedule_key text, period_key text, cadence_owner text, due_position text,
        charge_family text, lifecycle_state text, revision integer, service_period_start date,
        service_period_end date, invoice_window_start date, invoice_window_end date,
        activity_window_start date, activity_window_end date, due_state text, available_on date,
        can_generate boolean, blocked_reason text, currency text, page_key text, whole_period_start
        date, whole_period_end date, total_price_cents bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.due_work_of(p_tenant uuid, p_as_of date, p_record_ids uuid[], p_fallbacks
    billing.due_fallback[], p_search text DEFAULT NULL::text, p_due_only boolean DEFAULT false,
    p_limit integer DEFAULT NULL::integer, p_after jsonb DEFAULT NULL::jsonb)
    RETURNS TABLE(tenant uuid, execution_identity_key text, row_key text, selection_key text,
        retry_key text, reason text, record_id uuid, billing_cycle_id uuid, client_id uuid,
        client_name text, contract_id uuid, contract_name text, client_contract_id uuid,
        purchase_order_scope_id uuid, obligation_id uuid, contract_line_name text, obligation_type
        text, schedule_key text, period_key text, cadence_owner text, due_position text,
        charge_family text, lifecycle_state text, revision integer, service_period_start date,
        service_period_end date, invoice_window_start date, invoice_window_end date,
        activity_window_start date, activity_window_end date, due_state text, available_on date,
        can_generate boolean, blocked_reason text, currency text, page_key text, whole_period_start
        date, whole_period_end date, total_price_cents bigint)
    LANGUAGE plpgsql STABLE;
PROCEDURE billing.edit_service_period(p_tenant uuid, p_record_id uuid DEFAULT NULL::uuid,
    p_service_period_start date DEFAULT NULL::date, p_service_period_end date DEFAULT NULL::date,
    p_invoice_window_start date DEFAULT NULL::date, p_invoice_window_end date DEFAULT NULL::date,
    p_activity_window_start date DEFAULT NULL::date, p_activity_window_end date DEFAULT NULL::date,
    p_reason text DEFAULT NULL::text, INOUT o_record_id uuid DEFAULT NULL::uuid,
    p_clear_activity_window boolean DEFAULT false)
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION billing.escalation_reasons(p_tenant uuid DEFAULT NULL::uuid, p_as_of date DEFAULT
    NULL::date)
    RETURNS TABLE(reason text, acceptable boolean, meaning text, hint text)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE;
FUNCTION billing.escalations(p_tenant uuid, p_as_of date, p_target_horizon_days integer DEFAULT 180,
    p_max_periods_per_schedule integer DEFAULT 1000)
    RETURNS TABLE(tenant uuid, client_id uuid, obligation_id uuid, schedule_key text, reason text,
        conflict_kinds text[], acceptable boolean, detail text, hint text, captured_rows jsonb)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.find_clients(p_tenant uuid, p_text text)
    RETURNS TABLE(tenant uuid, client_id uuid, client_name text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
PROCEDURE billing.generate_invoice(p_tenant uuid, p_client_id uuid DEFAULT NULL::uuid,
    p_window_start date DEFAULT NULL::date, p_window_end date DEFAULT NULL::date,
    p_execution_identity_keys text[] DEFAULT NULL::text[], INOUT o_invoice_id uuid DEFAULT
    NULL::uuid, INOUT o_status text DEFAULT NULL::text, INOUT o_reason text DEFAULT NULL::text,
    p_as_of date DEFAULT NULL::date, p_invoice_number text DEFAULT NULL::text)
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION billing.guard_delete()
    RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION billing.guard_insert()
    RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION billing.guard_release()
    RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION billing.guard_truncate()
    RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION billing.guard_update()
    RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER;
PROCEDURE billing.import_books(p_tenant uuid, p_import_key text, INOUT o_summary jsonb DEFAULT
    NULL::jsonb)
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION billing.import_faults(p_tenant uuid, p_import_key text)
    RETURNS TABLE(table_name text, line_number bigint, column_name text, value text, reason text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.invoice_candidates(p_tenant uuid, p_as_of date, p_client_id uuid DEFAULT
    NULL::uuid, p_search text DEFAULT NULL::text, p_due_only boolean DEFAULT false, p_limit integer
    DEFAULT NULL::integer, p_after text DEFAULT NULL::text)
    RETURNS TABLE(tenant uuid, candidate_key text, client_id uuid, client_name text,
        invoice_window_start date, invoice_window_end date, service_period_start date,
        service_period_end date, cadence_owners text[], contract_id uuid, contract_name text,
        member_count integer, fallback_count integer, split_reasons text[], due_state text,
        available_on date, can_generate boolean, blocked_reason text, currency text,
        execution_identity_keys text[], record_ids uuid[], selection_key text, retry_key text,
        page_key text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.invoice_decision(p_tenant uuid, p_client_id uuid, p_window_start date, p_window_end
    date, p_execution_identity_keys text[], p_as_of date, OUT o_status text, OUT o_reason text, OUT
    o_invoice_id uuid, OUT o_record_ids uuid[], OUT o_currency text)
    RETURNS record
    LANGUAGE plpgsql STABLE;
FUNCTION billing.invoice_lines(p_tenant uuid, p_record_ids uuid[])
    RETURNS SETOF billing.invoice_line
    LANGUAGE plpgsql STABLE;
FUNCTION billing.invoiced_history(p_tenant uuid, p_client_id uuid DEFAULT NULL::uuid)
    RETURNS TABLE(tenant uuid, invoice_id uuid, invoice_number text, client_id uuid, status text,
        invoice_date date, invoice_window_start date, invoice_window_end date, service_period_start
        date, service_period_end date, cadence_owner text, billing_cycle_id uuid, currency text,
        total_cents bigint, service_periods jsonb, withdrawal text, withdrawn_at timestamp with time
        zone, withdrawn_by text, withdrawal_reason text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.lifecycle_state_is_terminal(p_state text)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE;
FUNCTION billing.lifecycle_transition_allowed(p_from text, p_to text)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE;
FUNCTION billing.linkage_faults(p_tenant uuid, p_client_id uuid, p_obligation_id uuid, p_from uuid,
    p_before uuid)
    RETURNS SETOF billing.linkage_fault
    LANGUAGE plpgsql STABLE;
FUNCTION billing.linkage_repair_summary(p_tenant uuid, p_as_of date, p_client_id uuid DEFAULT
    NULL::uuid, p_schedule_key text DEFAULT NULL::text)
    RETURNS TABLE(schedules bigint, schedules_written bigint, schedules_escalated bigint, reopened
        bigint, relinked bigint, reported bigint, escalations jsonb, new_escalations bigint,
        plan_hash text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.linkage_script(p_tenant uuid, p_as_of date, p_client_id uuid DEFAULT NULL::uuid,
    p_schedule_key text DEFAULT NULL::text, p_source_schema text DEFAULT NULL::text)
    RETURNS SETOF text
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.missing_billing_cycles(p_tenant uuid, p_as_of date, p_client_id uuid, p_max_cycles
    integer)
    RETURNS TABLE(client_id uuid, client_name text, billing_profile_id uuid, billing_cycle text,
        period_start_date date, period_end_date date, problem text)
    LANGUAGE plpgsql STABLE;
FUNCTION billing.mutation_permitted(p_operation text, p_state text)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE;
FUNCTION billing.next_batch_start(p_tenant uuid, p_client_id uuid, p_obligation_id uuid, p_from
    uuid, p_batch_size integer)
    RETURNS uuid
    LANGUAGE plpgsql STABLE;
FUNCTION billing.offline(p_operation text, p_lines jsonb[])
    RETURNS TABLE(position integer, answer jsonb)
    LANGUAGE plpgsql STABLE;
FUNCTION billing.offline_backfill(p_inputs jsonb[])
    RETURNS TABLE(position integer, output jsonb)
    LANGUAGE plpgsql STABLE;
FUNCTION billing.offline_balances(p_inputs jsonb[])
    RETURNS TABLE(position integer, output jsonb)
    LANGUAGE plpgsql STABLE;
FUNCTION billing.offline_candidates_client(p_inputs jsonb[])
    RETURNS TABLE(position integer, output jsonb)
    LANGUAGE plpgsql STABLE;
FUNCTION billing.offline_candidates_contract(p_inputs jsonb[])
    RETURNS TABLE(position integer, output jsonb)
    LANGUAGE plpgsql STABLE;
FUNCTION billing.offline_charge_backfill(p_inputs jsonb[])
    RETURNS TABLE(position integer, output jsonb)
    LANGUAGE plpgsql STABLE;
FUNCTION billing.offline_coverage(p_inputs jsonb[])
    RETURNS TABLE(position integer, output jsonb)
    LANGUAGE plpgsql STABLE;
FUNCTION billing.offline_due_selection(p_inputs jsonb[])
    RETURNS TABLE(position integer, output jsonb)
    LANGUAGE plpgsql STABLE;
FUNCTION billing.offline_edits(p_inputs jsonb[])
    RETURNS TABLE(position integer, output jsonb)
    LANGUAGE plpgsql STABLE;
FUNCTION billing.offline_linkage(p_inputs jsonb[])
    RETURNS TABLE(position integer, output jsonb)
    LANGUAGE plpgsql STABLE;
FUNCTION billing.offline_mutation_permissions(p_inputs jsonb[])
    RETURNS TABLE(position integer, output jsonb)
    LANGUAGE plpgsql STABLE;
FUNCTION billing.offline_parity(p_inputs jsonb[])
    RETURNS TABLE(position integer, output jsonb)
    LANGUAGE plpgsql STABLE;
FUNCTION billing.offline_regenerate(p_inputs jsonb[])
    RETURNS TABLE(position integer, output jsonb)
    LANGUAGE plpgsql STABLE;
FUNCTION billing.offline_stripe_inbox(p_inputs jsonb[])
    RETURNS TABLE(position integer, output jsonb)
    LANGUAGE plpgsql STABLE;
FUNCTION billing.offline_transitions(p_inputs jsonb[])
    RETURNS TABLE(position integer, output jsonb)
    LANGUAGE plpgsql STABLE;
FUNCTION billing.offline_triggers(p_inputs jsonb[])
    RETURNS TABLE(position integer, output jsonb)
    LANGUAGE plpgsql STABLE;
FUNCTION billing.plan_batch(p_tenant uuid, p_as_of date, p_mode text, p_client_id uuid,
    p_obligation_id uuid, p_target_horizon_days integer, p_max_periods_per_schedule integer,
    p_accepted boolean, p_hashed boolean, p_from uuid, p_before uuid, p_listed boolean DEFAULT
    false, OUT o_counts jsonb, OUT o_hash bigint[], OUT o_generations
    billing.service_period_generation[], OUT o_created billing.planned_service_period[], OUT
    o_superseded uuid[], OUT o_escalated billing.escalated_obligation[], OUT o_evidence jsonb, OUT
    o_reviewed billing.reviewed_issue[], OUT o_rows billing.row_verdict[])
    RETURNS record
    LANGUAGE plpgsql STABLE;
FUNCTION billing.plan_batches(p_tenant uuid, p_as_of date, p_mode text, p_client_id uuid,
    p_schedule_key text, p_target_horizon_days integer, p_replenishment_threshold_days integer,
    p_max_periods_per_schedule integer, p_accepted boolean, p_batch_size integer, OUT o_counts
    jsonb, OUT o_escalated billing.escalated_obligation[], OUT o_evidence jsonb, OUT o_escalations
    jsonb, OUT o_new_escalations bigint, OUT o_plan_hash text, OUT o_batch_hashes jsonb)
    RETURNS record
    LANGUAGE plpgsql STABLE;
FUNCTION billing.plan_linkage_batch(p_tenant uuid, p_client_id uuid, p_obligation_id uuid, p_from
    uuid, p_before uuid, OUT o_counts jsonb, OUT o_hash bigint[], OUT o_escalated
    billing.escalated_obligation[])
    RETURNS record
    LANGUAGE plpgsql STABLE;
FUNCTION billing.plan_linkage_batches(p_tenant uuid, p_as_of date, p_client_id uuid, p_schedule_key
    text, p_batch_size integer, OUT o_counts jsonb, OUT o_escalated billing.escalated_obligation[],
    OUT o_plan_hash text, OUT o_batch_hashes jsonb)
    RETURNS record
    LANGUAGE plpgsql STABLE;
FUNCTION billing.plan_linkage_repair(p_tenant uuid, p_as_of date, p_client_id uuid DEFAULT
    NULL::uuid, p_schedule_key text DEFAULT NULL::text)
    RETURNS TABLE(tenant uuid, record_id uuid, obligation_id uuid, client_id uuid, schedule_key
        text, period_key text, lifecycle_state text, problem text, action text, invoice_id uuid,
        invoice_charge_id uuid, invoice_charge_detail_id uuid, reason text, captured_row jsonb)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.plan_script(p_tenant uuid, p_as_of date, p_mode text, p_client_id uuid DEFAULT
    NULL::uuid, p_schedule_key text DEFAULT NULL::text, p_target_horizon_days integer DEFAULT 180,
    p_replenishment_threshold_days integer DEFAULT 45, p_max_periods_per_schedule integer DEFAULT
    1000, p_assume_accepted boolean DEFAULT false, p_run_key text DEFAULT NULL::text,
    p_source_rule_version text DEFAULT 'service-driven-invoicing-cutover-v1'::text, p_source_schema
    text DEFAULT NULL::text)
    RETURNS SETOF text
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.plan_service_periods(p_tenant uuid, p_as_of date, p_mode text, p_client_id uuid
    DEFAULT NULL::uuid, p_schedule_key text DEFAULT NULL::text, p_target_horizon_days integer
    DEFAULT 180, p_replenishment_threshold_days integer DEFAULT 45, p_max_periods_per_schedule
    integer DEFAULT 1000, p_assume_accepted boolean DEFAULT false)
    RETURNS TABLE(tenant uuid, client_id uuid, obligation_id uuid, schedule_key text, period_key
        text, record_id uuid, revision integer, action text, proposed_action text, conflict_kind
        text, escalation_reasons text[], lifecycle_state text, service_period_start date,
        service_period_end date, invoice_window_start date, invoice_window_end date,
        activity_window_start date, activity_window_end date, charge_family text,
        supersedes_record_id uuid, candidate_record_id uuid, row_before
        billing.recurring_service_periods, row_after billing.recurring_service_periods)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.plan_summary(p_tenant uuid, p_as_of date, p_mode text, p_client_id uuid DEFAULT
    NULL::uuid, p_schedule_key text DEFAULT NULL::text, p_target_horizon_days integer DEFAULT 180,
    p_replenishment_threshold_days integer DEFAULT 45, p_max_periods_per_schedule integer DEFAULT
    1000)
    RETURNS TABLE(schedules bigint, schedules_written bigint, schedules_nothing_to_do bigint,
        schedules_escalated bigint, schedules_not_an_obligation bigint, retained bigint, unchanged
        bigint, preserved bigint, superseded bigint, escalated_rows bigint, backfilled bigint,
        regenerated bigint, conflicts bigint, escalations jsonb, new_escalations bigint, plan_hash
        text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.preview_invoice(p_tenant uuid, p_client_id uuid, p_window_start date, p_window_end
    date, p_execution_identity_keys text[] DEFAULT NULL::text[], p_as_of date DEFAULT NULL::date)
    RETURNS TABLE(execution_identity_key text, record_id uuid, obligation_id uuid, description text,
        charge_family text, cadence_owner text, service_period_start date, service_period_end date,
        billing_timing text, quantity numeric, unit_price_cents bigint, total_price_cents bigint,
        currency text, whole_period_start date, whole_period_end date)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.read_cents(p_object jsonb, p_field text, p_required boolean DEFAULT true)
    RETURNS numeric
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE;
FUNCTION billing.read_day(p_object jsonb, p_field text, p_required boolean DEFAULT true)
    RETURNS date
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE;
FUNCTION billing.read_horizon_days(p_object jsonb, p_field text, p_default integer)
    RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE;
FUNCTION billing.read_integer(p_object jsonb, p_field text, p_required boolean DEFAULT true)
    RETURNS integer
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE;
FUNCTION billing.read_list(p_object jsonb, p_field text, p_element_type text DEFAULT 'object'::text)
    RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE;
FUNCTION billing.read_object(p_object jsonb, p_field text)
    RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE;
FUNCTION billing.read_page_key(p_after text, p_days integer, p_texts integer)
    RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE;
FUNCTION billing.read_text(p_object jsonb, p_field text, p_required boolean DEFAULT true)
    RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE;
FUNCTION billing.read_word(p_object jsonb, p_field text, p_words text[])
    RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE;
PROCEDURE billing.regenerate_service_periods(p_tenant uuid, p_as_of date, p_run_key text DEFAULT
    NULL::text, p_source_rule_version text DEFAULT 'service-driven-invoicing-cutover-v1'::text,
    p_batch_size integer DEFAULT 5000, p_max_batches integer DEFAULT NULL::integer, p_pause interval
    DEFAULT NULL::interval, p_lock_timeout interval DEFAULT '00:00:10'::interval, p_dry_run boolean
    DEFAULT false, p_expected_plan_hash text DEFAULT NULL::text, INOUT o_rows bigint DEFAULT
    NULL::bigint, INOUT o_batches integer DEFAULT NULL::integer, INOUT o_status text DEFAULT
    NULL::text, p_accept_escalations text DEFAULT NULL::text, p_client_id uuid DEFAULT NULL::uuid,
    p_schedule_key text DEFAULT NULL::text, p_target_horizon_days integer DEFAULT 180,
    p_replenishment_threshold_days integer DEFAULT 45, p_max_periods_per_schedule integer DEFAULT
    1000, p_max_replica_lag interval DEFAULT NULL::interval, p_max_wal_to_archive integer DEFAULT
    NULL::integer, p_max_waiting_sessions integer DEFAULT NULL::integer)
    LANGUAGE plpgsql;
FUNCTION billing.regeneration_trigger(p_source text, p_changed_fields text[], p_cadence_owner_before
    text, p_cadence_owner_after text)
    RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE;
FUNCTION billing.rejudge_quarantine(p_tenant uuid, p_obligation_ids uuid[])
    RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER;
PROCEDURE billing.repair_invoice_linkage(p_tenant uuid, p_as_of date, p_run_key text DEFAULT
    NULL::text, p_source_rule_version text DEFAULT 'service-driven-invoicing-cutover-v1'::text,
    p_batch_size integer DEFAULT 5000, p_max_batches integer DEFAULT NULL::integer, p_pause interval
    DEFAULT NULL::interval, p_lock_timeout interval DEFAULT '00:00:10'::interval, p_dry_run boolean
    DEFAULT false, p_expected_plan_hash text DEFAULT NULL::text, INOUT o_rows bigint DEFAULT
    NULL::bigint, INOUT o_batches integer DEFAULT NULL::integer, INOUT o_status text DEFAULT
    NULL::text, p_accept_escalations text DEFAULT NULL::text, p_client_id uuid DEFAULT NULL::uuid,
    p_schedule_key text DEFAULT NULL::text, p_max_replica_lag interval DEFAULT NULL::interval,
    p_max_wal_to_archive integer DEFAULT NULL::integer, p_max_waiting_sessions integer DEFAULT
    NULL::integer)
    LANGUAGE plpgsql;
PROCEDURE billing.replenish_service_periods(p_tenant uuid, p_as_of date, p_run_key text DEFAULT
    NULL::text, p_source_rule_version text DEFAULT 'service-driven-invoicing-cutover-v1'::text,
    p_batch_size integer DEFAULT 5000, p_max_batches integer DEFAULT NULL::integer, p_pause interval
    DEFAULT NULL::interval, p_lock_timeout interval DEFAULT '00:00:10'::interval, p_dry_run boolean
    DEFAULT false, p_expected_plan_hash text DEFAULT NULL::text, INOUT o_rows bigint DEFAULT
    NULL::bigint, INOUT o_batches integer DEFAULT NULL::integer, INOUT o_status text DEFAULT
    NULL::text, p_accept_escalations text DEFAULT NULL::text, p_client_id uuid DEFAULT NULL::uuid,
    p_schedule_key text DEFAULT NULL::text, p_target_horizon_days integer DEFAULT 180,
    p_replenishment_threshold_days integer DEFAULT 45, p_max_periods_per_schedule integer DEFAULT
    1000, p_max_replica_lag interval DEFAULT NULL::interval, p_max_wal_to_archive integer DEFAULT
    NULL::integer, p_max_waiting_sessions integer DEFAULT NULL::integer)
    LANGUAGE plpgsql;
FUNCTION billing.resolve_linkage_scope(p_tenant uuid, p_as_of date, p_client_id uuid, p_schedule_key
    text)
    RETURNS uuid
    LANGUAGE plpgsql STABLE;
FUNCTION billing.resolve_plan_scope(p_tenant uuid, p_as_of date, p_mode text DEFAULT
    'backfill'::text, p_client_id uuid DEFAULT NULL::uuid, p_schedule_key text DEFAULT NULL::text,
    p_target_horizon_days integer DEFAULT 180, p_replenishment_threshold_days integer DEFAULT 45,
    p_max_periods_per_schedule integer DEFAULT 1000)
    RETURNS uuid
    LANGUAGE plpgsql STABLE;
PROCEDURE billing.retire_schedule(p_tenant uuid, p_schedule_key text DEFAULT NULL::text, p_as_of
    date DEFAULT NULL::date, p_reason text DEFAULT NULL::text, INOUT o_superseded bigint DEFAULT
    NULL::bigint, INOUT o_kept bigint DEFAULT NULL::bigint)
    LANGUAGE plpgsql SECURITY DEFINER;
PROCEDURE billing.reverse_invoice(p_tenant uuid, p_invoice_id uuid DEFAULT NULL::uuid, p_reason text
    DEFAULT NULL::text, INOUT o_status text DEFAULT NULL::text, INOUT o_rows bigint DEFAULT
    NULL::bigint)
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION billing.schedule_names(p_tenant uuid, p_obligation_ids uuid[] DEFAULT NULL::uuid[])
    RETURNS TABLE(tenant uuid, obligation_id uuid, client_id uuid, client_name text,
        contract_line_name text, status text, reason text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION billing.service_period_record_id(p_schedule_key text, p_period_key text, p_revision
    integer)
    RETURNS uuid
    LANGUAGE sql IMMUTABLE PARALLEL SAFE;
PROCEDURE billing.skip_service_period(p_tenant uuid, p_record_id uuid DEFAULT NULL::uuid, p_reason
    text DEFAULT NULL::text, INOUT o_record_id uuid DEFAULT NULL::uuid)
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION billing.suppressed_rows(p_tenant uuid, p_as_of date, p_record_ids uuid[])
    RETURNS uuid[]
    LANGUAGE plpgsql STABLE;
FUNCTION billing.verify(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.assert_amount_rule(p_amount_rule text)
    RETURNS void
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE;
FUNCTION ledger.assert_rent_days(p_as_of date, p_through date)
    RETURNS void
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE;
PROCEDURE ledger.backfill_charges(p_tenant uuid, p_run_key text DEFAULT NULL::text,
    p_source_rule_version text DEFAULT 'charge-backfill-v2'::text, p_batch_size integer DEFAULT
    20000, p_max_batches integer DEFAULT NULL::integer, p_pause interval DEFAULT NULL::interval,
    p_lock_timeout interval DEFAULT '00:00:10'::interval, p_dry_run boolean DEFAULT false,
    p_expected_plan_hash text DEFAULT NULL::text, INOUT o_rows bigint DEFAULT NULL::bigint, INOUT
    o_batches integer DEFAULT NULL::integer, INOUT o_status text DEFAULT NULL::text,
    p_accept_escalations text DEFAULT NULL::text, p_amount_rule text DEFAULT
    'unit_rent_first'::text, p_max_replica_lag interval DEFAULT NULL::interval, p_max_wal_to_archive
    integer DEFAULT NULL::integer, p_max_waiting_sessions integer DEFAULT NULL::integer)
    LANGUAGE plpgsql;
FUNCTION ledger.balances(p_tenant uuid, p_as_of date DEFAULT NULL::date, p_tenant_user_id text
    DEFAULT NULL::text, p_unit_id text DEFAULT NULL::text)
    RETURNS TABLE(tenant_user_id text, unit_id text, currency character, charged_cents bigint,
        paid_cents bigint, refunded_cents bigint, pending_cents bigint, balance_cents bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.charge_backfill_script(p_tenant uuid, p_amount_rule text DEFAULT
    'unit_rent_first'::text, p_source_schema text DEFAULT NULL::text)
    RETURNS SETOF text
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.charge_backfill_summary(p_tenant uuid, p_amount_rule text DEFAULT
    'unit_rent_first'::text)
    RETURNS TABLE(keys_with_payments bigint, to_create bigint, already_charged bigint, quarantined
        bigint, payments_cents bigint, payments_cents_to_create bigint,
        payments_cents_already_charged bigint, payments_cents_quarantined bigint, charges_cents
        bigint, quarantine_reasons jsonb, warnings jsonb, accounts_escalated bigint, new_escalations
        bigint, plan_hash text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.check_account(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.check_charge_guard(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.check_missing_rent(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.check_payment_judgement(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.check_payment_moved(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.check_payment_movement(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.check_payment_net_negative(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.check_payment_quarantine(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.check_payment_status(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.check_property_time_zone(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.check_quarantined_key(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.check_refund_unseen(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.check_refunded_month(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.check_rent_charged_twice(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.check_rent_currency(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.check_reversal_pair(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.check_reversal_unmarked(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.check_roommates(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.check_session_counted_twice(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.check_stripe_metadata_unknown(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.check_stripe_mode(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.check_stripe_payment(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.check_stripe_unmatched(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.check_undated_payment(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.check_unpaid_rent(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
PROCEDURE ledger.correct_payment(p_tenant uuid, p_payment_id text, p_amount_cents bigint DEFAULT
    NULL::bigint, p_effective_on date DEFAULT NULL::date, p_reason text DEFAULT NULL::text,
    p_movement_number bigint DEFAULT NULL::bigint)
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION ledger.count_accounts(p_tenant uuid, p_of_tenancies boolean, p_from uuid DEFAULT
    '00000000-0000-0000-0000-000000000000'::uuid, p_before uuid DEFAULT NULL::uuid)
    RETURNS bigint
    LANGUAGE plpgsql STABLE;
FUNCTION ledger.explain_balance(p_tenant uuid, p_tenant_user_id text, p_unit_id text, p_as_of date
    DEFAULT NULL::date, p_currency text DEFAULT NULL::text)
    RETURNS TABLE(kind text, id text, effective_on date, description text, amount_cents bigint,
        running_balance_cents bigint, currency character)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.guard_accounts()
    RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION ledger.guard_charges()
    RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION ledger.guard_movements()
    RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION ledger.guard_new_charges()
    RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION ledger.guard_new_movements()
    RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION ledger.guard_payments()
    RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION ledger.guard_properties()
    RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION ledger.guard_units()
    RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER;
PROCEDURE ledger.import_rent(p_tenant uuid, p_import_key text, INOUT o_summary jsonb DEFAULT
    NULL::jsonb)
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION ledger.import_rent_faults(p_tenant uuid, p_import_key text)
    RETURNS TABLE(table_name text, line_number bigint, column_name text, value text, reason text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
PROCEDURE ledger.ingest_stripe_event(p_tenant uuid, p_event jsonb, INOUT o_outcome text DEFAULT
    NULL::text, INOUT o_reason text DEFAULT NULL::text)
    LANGUAGE plpgsql SECURITY DEFINER;
PROCEDURE ledger.move_payment(p_tenant uuid, p_payment_id text, p_tenant_user_id text DEFAULT
    NULL::text, p_unit_id text DEFAULT NULL::text, p_billing_period text DEFAULT NULL::text,
    p_reason text DEFAULT NULL::text)
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION ledger.next_account(p_tenant uuid, p_of_tenancies boolean, p_from uuid, p_batch_size
    integer)
    RETURNS uuid
    LANGUAGE plpgsql STABLE;
FUNCTION ledger.orphans(p_tenant uuid)
    RETURNS TABLE(kind text, id text, tenant_user_id text, unit_id text, billing_period text,
        currency character, amount_cents bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.plan_charge_backfill(p_tenant uuid, p_amount_rule text DEFAULT
    'unit_rent_first'::text)
    RETURNS TABLE(tenant_user_id text, unit_id text, billing_period text, action text, type text,
        amount_cents bigint, currency character, description text, effective_on date, covered_days
        bigint, period_days integer, warnings text[], delta_cents bigint, quarantine_reason text,
        payment_ids text[], charge_id text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.plan_rent(p_tenant uuid, p_as_of date, p_through date DEFAULT NULL::date)
    RETURNS TABLE(tenant_user_id text, unit_id text, billing_period text, action text, amount_cents
        bigint, currency character, effective_on date, covered_days bigint, period_days integer,
        quarantine_reason text, charge_id text, warnings text[])
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
PROCEDURE ledger.post_charge(p_tenant uuid, p_tenant_user_id text, p_unit_id text, p_type text,
    p_amount_cents bigint, p_billing_period text DEFAULT NULL::text, p_effective_on date DEFAULT
    NULL::date, p_description text DEFAULT NULL::text, INOUT o_charge_id text DEFAULT NULL::text,
    p_currency text DEFAULT NULL::text)
    LANGUAGE plpgsql SECURITY DEFINER;
PROCEDURE ledger.post_rent(p_tenant uuid, p_as_of date, p_through date DEFAULT NULL::date, p_run_key
    text DEFAULT NULL::text, p_source_rule_version text DEFAULT 'rent-v2'::text, p_batch_size
    integer DEFAULT 20000, p_max_batches integer DEFAULT NULL::integer, p_pause interval DEFAULT
    NULL::interval, p_lock_timeout interval DEFAULT '00:00:10'::interval, p_dry_run boolean DEFAULT
    false, p_expected_plan_hash text DEFAULT NULL::text, INOUT o_rows bigint DEFAULT NULL::bigint,
    INOUT o_batches integer DEFAULT NULL::integer, INOUT o_status text DEFAULT NULL::text,
    p_accept_escalations text DEFAULT NULL::text, p_max_replica_lag interval DEFAULT NULL::interval,
    p_max_wal_to_archive integer DEFAULT NULL::integer, p_max_waiting_sessions integer DEFAULT
    NULL::integer)
    LANGUAGE plpgsql;
FUNCTION ledger.read_stripe_settings(p_tenant uuid)
    RETURNS TABLE(metadata_keys jsonb, livemode boolean, account text, set_by text, set_at timestamp
        with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
PROCEDURE ledger.record_payment(p_tenant uuid, p_tenant_user_id text, p_unit_id text,
    p_billing_period text DEFAULT NULL::text, p_amount_cents bigint DEFAULT NULL::bigint, p_paid_on
    date DEFAULT NULL::date, p_payment_method text DEFAULT NULL::text, p_currency text DEFAULT
    NULL::text, INOUT o_payment_id text DEFAULT NULL::text)
    LANGUAGE plpgsql SECURITY DEFINER;
PROCEDURE ledger.refund_payment(p_tenant uuid, p_payment_id text, p_amount_cents bigint,
    p_effective_on date, p_reason text, INOUT o_refund_id text DEFAULT NULL::text)
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION ledger.rent_script(p_tenant uuid, p_as_of date, p_through date DEFAULT NULL::date,
    p_source_schema text DEFAULT NULL::text)
    RETURNS SETOF text
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.rent_summary(p_tenant uuid, p_as_of date, p_through date DEFAULT NULL::date)
    RETURNS TABLE(keys bigint, to_create bigint, already_charged bigint, quarantined bigint,
        rent_cents bigint, rent_cents_to_create bigint, rent_cents_already_charged bigint,
        rent_cents_quarantined bigint, charges_cents bigint, quarantine_reasons jsonb, warnings
        jsonb, accounts_escalated bigint, new_escalations bigint, plan_hash text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
PROCEDURE ledger.replay_stripe_events(p_tenant uuid, p_payment_key text DEFAULT NULL::text, INOUT
    o_payments bigint DEFAULT NULL::bigint, INOUT o_waiting_events bigint DEFAULT NULL::bigint)
    LANGUAGE plpgsql SECURITY DEFINER;
PROCEDURE ledger.reverse_charge(p_tenant uuid, p_charge_id text, p_reason text, INOUT o_charge_id
    text DEFAULT NULL::text, p_effective_on date DEFAULT NULL::date)
    LANGUAGE plpgsql SECURITY DEFINER;
PROCEDURE ledger.set_stripe_settings(p_tenant uuid, p_metadata_keys jsonb DEFAULT NULL::jsonb,
    p_livemode boolean DEFAULT NULL::boolean, p_account text DEFAULT NULL::text, INOUT
    o_waiting_events bigint DEFAULT NULL::bigint)
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION ledger.show_payment(p_tenant uuid, p_payment_id text)
    RETURNS TABLE(payment jsonb, movements jsonb, acts jsonb)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ledger.verify(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ops.add_counts(p_one jsonb, p_other jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE;
FUNCTION ops.all_tenants(p_permission text)
    RETURNS uuid[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ops.assert_day(p_as_of date)
    RETURNS void
    LANGUAGE plpgsql STABLE;
FUNCTION ops.assert_permission(p_tenant uuid, VARIADIC p_permissions text[])
    RETURNS void
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ops.assert_tenant(p_tenant uuid)
    RETURNS void
    LANGUAGE plpgsql STABLE;
FUNCTION ops.assert_tenant_day(p_tenant uuid, p_as_of date)
    RETURNS void
    LANGUAGE plpgsql STABLE;
FUNCTION ops.assert_valid(p_invalid text, p_hint text DEFAULT 'Call again with a value in range;
    \df+ shows every argument.'::text)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE;
PROCEDURE ops.cancel_run(p_tenant uuid DEFAULT NULL::uuid, p_run_key text DEFAULT NULL::text,
    p_procedure_name text DEFAULT NULL::text, p_reason text DEFAULT NULL::text, INOUT o_status text
    DEFAULT NULL::text)
    LANGUAGE plpgsql SECURITY DEFINER;
PROCEDURE ops.end_waiver(p_tenant uuid, p_check_name text DEFAULT NULL::text, p_object_key text
    DEFAULT NULL::text, INOUT o_rows bigint DEFAULT NULL::bigint)
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION ops.error_codes()
    RETURNS TABLE(code text, condition text, exit_status integer, message text)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE;
FUNCTION ops.fail(p_code text, p_detail text, p_hint text)
    RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL SAFE;
FUNCTION ops.find_tenants(p_text text)
    RETURNS TABLE(tenant uuid, tenant_name text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
PROCEDURE ops.grant_permission(p_tenant uuid, p_role_name text, p_permission text DEFAULT
    NULL::text, INOUT o_rows bigint DEFAULT NULL::bigint)
    LANGUAGE plpgsql;
FUNCTION ops.guard_moving()
    RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION ops.guard_partition()
    RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION ops.guard_tenant_locks()
    RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION ops.has_permission(p_tenant uuid, VARIADIC p_permissions text[])
    RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ops.help(p_topic text DEFAULT NULL::text)
    RETURNS TABLE(routine text, argument text, needs text, purpose text, call text)
    LANGUAGE plpgsql STABLE;
FUNCTION ops.import_columns()
    RETURNS TABLE(books_name text, file_name text, table_name text, file_is_optional boolean,
        column_position integer, column_name text, type_name text, is_required boolean, is_optional
        boolean, is_key boolean, references_table text, range_start text, is_last_day boolean,
        pattern text, max_length integer, is_probed boolean, reason text)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE;
FUNCTION ops.mark_ledger_write(p_tenant uuid)
    RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION ops.parameter_meanings()
    RETURNS TABLE(parameter_name text, meaning text)
    LANGUAGE plpgsql STABLE PARALLEL SAFE;
PROCEDURE ops.partition_ledger(p_partitions integer, p_batch_pages integer DEFAULT 2000,
    p_lock_timeout interval DEFAULT '00:00:10'::interval, INOUT o_rows bigint DEFAULT NULL::bigint,
    INOUT o_status text DEFAULT NULL::text)
    LANGUAGE plpgsql;
PROCEDURE ops.pause_run(p_tenant uuid DEFAULT NULL::uuid, p_run_key text DEFAULT NULL::text,
    p_procedure_name text DEFAULT NULL::text, p_reason text DEFAULT NULL::text, INOUT o_status text
    DEFAULT NULL::text)
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION ops.permission_of(p_routine_name text)
    RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE;
FUNCTION ops.plan_hash(p_tenant uuid, p_mode text, p_hash bigint[])
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE;
PROCEDURE ops.record_checks(p_tenant uuid, p_as_of date DEFAULT NULL::date, p_results jsonb DEFAULT
    NULL::jsonb, INOUT o_rows bigint DEFAULT NULL::bigint)
    LANGUAGE plpgsql SECURITY DEFINER;
PROCEDURE ops.resume_run(p_tenant uuid DEFAULT NULL::uuid, p_run_key text DEFAULT NULL::text,
    p_procedure_name text DEFAULT NULL::text, p_reason text DEFAULT NULL::text, INOUT o_rows bigint
    DEFAULT NULL::bigint, INOUT o_batches integer DEFAULT NULL::integer, INOUT o_status text DEFAULT
    NULL::text, p_batch_size integer DEFAULT NULL::integer, p_max_batches integer DEFAULT
    NULL::integer, p_pause interval DEFAULT NULL::interval, p_lock_timeout interval DEFAULT
    NULL::interval, p_max_replica_lag interval DEFAULT NULL::interval, p_max_wal_to_archive integer
    DEFAULT NULL::integer, p_max_waiting_sessions integer DEFAULT NULL::integer)
    LANGUAGE plpgsql;
PROCEDURE ops.revert_run(p_tenant uuid, p_run_key text, p_procedure_name text DEFAULT NULL::text,
    p_reason text DEFAULT NULL::text, p_dry_run boolean DEFAULT false, INOUT o_rows bigint DEFAULT
    NULL::bigint, INOUT o_status text DEFAULT NULL::text)
    LANGUAGE plpgsql SECURITY DEFINER;
PROCEDURE ops.revoke_permission(p_tenant uuid, p_role_name text, p_permission text DEFAULT
    NULL::text, INOUT o_rows bigint DEFAULT NULL::bigint)
    LANGUAGE plpgsql;
FUNCTION ops.routine_permissions()
    RETURNS TABLE(routine_schema regnamespace, routine_name name, permissions text[])
    LANGUAGE plpgsql STABLE PARALLEL SAFE;
FUNCTION ops.run_kinds()
    RETURNS TABLE(procedure_name text, routine_schema regnamespace, routines text, settings jsonb,
        unit text)
    LANGUAGE plpgsql STABLE PARALLEL SAFE;
FUNCTION ops.run_outcome(p_schedules_escalated bigint, p_rows bigint)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE;
FUNCTION ops.run_records(p_tenant uuid, p_procedure_name text DEFAULT NULL::text, p_run_key text
    DEFAULT NULL::text)
    RETURNS SETOF ops.runs
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ops.run_state(p_run ops.runs)
    RETURNS text
    LANGUAGE plpgsql STABLE;
FUNCTION ops.run_status(p_tenant uuid DEFAULT NULL::uuid)
    RETURNS TABLE(run_key text, procedure_name text, tenant uuid, tenant_name text, state text, unit
        text, units_done bigint, units_total bigint, units_escalated bigint, rows_written bigint,
        rate numeric, time_left interval, role_name text, application_name text, backend_pid
        integer, started_at timestamp with time zone, heartbeat_at timestamp with time zone,
        waits_for text, plan_hash text, finished_at timestamp with time zone, sqlstate text, error
        text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ops.tell(p_level text, p_message text, p_news jsonb, p_hint text DEFAULT NULL::text)
    RETURNS void
    LANGUAGE plpgsql STABLE;
FUNCTION ops.tenants()
    RETURNS TABLE(tenant uuid, tenant_name text, schedules bigint, accounts bigint, open_escalations
        bigint, last_run_key text, last_procedure_name text, last_status text, last_started_at
        timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ops.verify(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, severity text, object_key text, detail text, expected text,
        actual text, repair_call text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ops.verify_history(p_tenant uuid)
    RETURNS TABLE(check_name text, outcome text, errors bigint, warnings bigint, waived bigint,
        since timestamp with time zone, last_seen_at timestamp with time zone, failed_since
        timestamp with time zone, recorded_by text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
FUNCTION ops.viewed_tenants(p_tenant uuid, p_as_of date)
    RETURNS uuid[]
    LANGUAGE plpgsql STABLE;
PROCEDURE ops.waive_check(p_tenant uuid, p_check_name text DEFAULT NULL::text, p_object_key text
    DEFAULT NULL::text, p_reason text DEFAULT NULL::text, p_until date DEFAULT NULL::date)
    LANGUAGE plpgsql SECURITY DEFINER;
FUNCTION ops.waivers(p_tenant uuid, p_as_of date)
    RETURNS TABLE(check_name text, object_key text, state text, valid_until date, reason text,
        waived_by text, waived_at timestamp with time zone, ended_by text, ended_at timestamp with
        time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER;
