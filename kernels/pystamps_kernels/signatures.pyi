# made by docs/generate.py (make docs); changes made here are lost

"""The kernels as typed calls: what the contracts say of arguments and results."""

import numpy as np
from numpy.typing import NDArray

class Signatures:
    """Calls of all kernels, arguments by position."""

    def prep_amplitude_sum(
        self,
        words: NDArray[np.uint16],
        swapped: float,
        excluded: NDArray[np.bool],
        total: float,
        count: int,
        /,
    ) -> tuple[float, int]: ...
    def prep_add_amplitudes(
        self,
        words: NDArray[np.uint16],
        swapped: float,
        constants: NDArray[np.floating],
        total: NDArray[np.floating],
        square: NDArray[np.floating],
        low: NDArray[np.bool],
        /,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool]]: ...
    def prep_add_pairs(
        self,
        words: NDArray[np.uint16],
        swapped: float,
        constants: NDArray[np.floating],
        total: NDArray[np.floating],
        square: NDArray[np.floating],
        /,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]: ...
    def stage1_look_angles(
        self,
        range_sample: NDArray[np.floating],
        near_range: float,
        range_spacing: float,
        sar_to_center: float,
        earth_radius: float,
        /,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
    def stage1_perpendicular_baselines(
        self,
        line_offset: NDArray[np.floating],
        look: NDArray[np.floating],
        baseline: NDArray[np.floating],
        baseline_rate: NDArray[np.floating],
        prf: float,
        /,
    ) -> NDArray[np.float64]: ...
    def stage1_bilinear(
        self,
        grid: NDArray[np.floating],
        row: NDArray[np.floating],
        column: NDArray[np.floating],
        /,
    ) -> NDArray[np.float64]: ...
    def stage1_column_means(
        self,
        values: NDArray[np.floating],
        /,
    ) -> NDArray[np.floating]: ...
    def stage2_topofit(
        self,
        cpxphase: NDArray[np.complexfloating],
        bperp: NDArray[np.floating],
        n_trial_wraps: float,
        /,
    ) -> tuple[
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.complex64],
    ]: ...
    def stage2_topofit_row_invariant(
        self,
        cpxphase: NDArray[np.complexfloating],
        bperp: NDArray[np.floating],
        n_trial_wraps: float,
        /,
    ) -> tuple[
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.complex64],
    ]: ...
    def stage2_topofit_coh_row_invariant(
        self,
        cpxphase: NDArray[np.complexfloating],
        bperp: NDArray[np.floating],
        n_trial_wraps: float,
        /,
    ) -> NDArray[np.floating]: ...
    def stage2_topofit_coh_rough(
        self,
        cpxphase: NDArray[np.complexfloating],
        bperp: NDArray[np.floating],
        n_trial_wraps: float,
        /,
    ) -> NDArray[np.float32]: ...
    def stage2_ph_weight(
        self,
        ph: NDArray[np.complexfloating],
        bperp: NDArray[np.floating],
        slope: NDArray[np.floating],
        weight: NDArray[np.floating],
        /,
    ) -> NDArray[np.complex64]: ...
    def stage2_grid_accumulate(
        self,
        ph_weight: NDArray[np.complexfloating],
        grid_lin: NDArray[np.int64],
        n_i: int,
        n_j: int,
        /,
    ) -> NDArray[np.complex64]: ...
    def stage2_clap_grid(
        self,
        ph_grid: NDArray[np.complexfloating],
        alpha: float,
        beta: float,
        n_win: int,
        n_pad: int,
        low_pass: NDArray[np.floating],
        /,
    ) -> NDArray[np.complex64]: ...
    def stage2_unit_phasors(
        self,
        phasors: NDArray[np.complexfloating],
        /,
    ) -> NDArray[np.complex64]: ...
    def stage2_phasors_of_cycles(
        self,
        cycles: NDArray[np.floating],
        /,
    ) -> NDArray[np.complex128]: ...
    def stage2_deviation(
        self,
        phasors: NDArray[np.complexfloating],
        model: NDArray[np.complexfloating],
        /,
    ) -> NDArray[np.complex64]: ...
    def stage2_angle(
        self,
        phasors: NDArray[np.complexfloating],
        /,
    ) -> NDArray[np.float32]: ...
    def stage2_histogram(
        self,
        values: NDArray[np.floating],
        centers: NDArray[np.floating],
        /,
    ) -> NDArray[np.float64]: ...
    def stage2_matlab_uniform(
        self,
        state: NDArray[np.int64],
        n: int,
        /,
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]: ...
    def stage3_clap_cells(
        self,
        ph_grid: NDArray[np.complexfloating],
        cells: NDArray[np.int64],
        n_w: int,
        alpha: float,
        beta: float,
        low_pass: NDArray[np.floating],
        slc_osf: int,
        /,
    ) -> NDArray[np.complex128]: ...
    def stage3_bootstrap_deviation(
        self,
        residual: NDArray[np.floating],
        candidate: NDArray[np.int64],
        n_resamples: int,
        seed: int,
        /,
    ) -> NDArray[np.float64]: ...
    def stage4_adjacent_keep(
        self,
        ij: NDArray[np.int64],
        coherence: NDArray[np.floating],
        /,
    ) -> NDArray[np.bool]: ...
    def stage4_duplicate_keep(
        self,
        position: NDArray[np.floating],
        coherence: NDArray[np.floating],
        /,
    ) -> NDArray[np.bool]: ...
    def stage4_edge_stats(
        self,
        phase: NDArray[np.complexfloating],
        node_a: NDArray[np.int64],
        node_b: NDArray[np.int64],
        bperp: NDArray[np.floating],
        day: NDArray[np.floating],
        time_win: float,
        /,
    ) -> tuple[
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.float64],
    ]: ...
    def stage4_edge_stats_undirected(
        self,
        phase: NDArray[np.complexfloating],
        node_a: NDArray[np.int64],
        node_b: NDArray[np.int64],
        bperp: NDArray[np.floating],
        day: NDArray[np.floating],
        time_win: float,
        /,
    ) -> tuple[
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.float64],
    ]: ...
    def stage4_pair_edge_stats(
        self,
        phase: NDArray[np.complexfloating],
        node_a: NDArray[np.int64],
        node_b: NDArray[np.int64],
        bperp: NDArray[np.floating],
        /,
    ) -> tuple[
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.complex128],
        NDArray[np.float64],
    ]: ...
    def stage4_pair_edge_stats_undirected(
        self,
        phase: NDArray[np.complexfloating],
        node_a: NDArray[np.int64],
        node_b: NDArray[np.int64],
        bperp: NDArray[np.floating],
        /,
    ) -> tuple[
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.complex128],
        NDArray[np.float64],
    ]: ...
    def stage5_phase_correction(
        self,
        ph: NDArray[np.complexfloating],
        k_ps: NDArray[np.floating],
        c_ps: NDArray[np.floating],
        bperp: NDArray[np.floating],
        /,
    ) -> NDArray[np.complex64]: ...
    def stage5_ifg_noise(
        self,
        ph: NDArray[np.complexfloating],
        ph_patch: NDArray[np.complexfloating],
        k_ps: NDArray[np.floating],
        c_ps: NDArray[np.floating],
        bperp: NDArray[np.floating],
        /,
    ) -> NDArray[np.float32]: ...
    def stage5_wrapped_residual(
        self,
        residual: NDArray[np.floating],
        offset: NDArray[np.floating],
        /,
    ) -> NDArray[np.float32]: ...
    def stage5_unit_phase(
        self,
        ph: NDArray[np.complexfloating],
        /,
    ) -> NDArray[np.complexfloating]: ...
    def stage5_point_noise(
        self,
        noise: NDArray[np.floating],
        /,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]: ...
    def stage5_cell_sums(
        self,
        values: NDArray[np.inexact],
        weight: NDArray[np.floating],
        start: NDArray[np.int64],
        /,
    ) -> NDArray[np.inexact]: ...
    def stage6_wrapped_phase(
        self,
        phase: NDArray[np.complexfloating],
        bperp: NDArray[np.floating],
        slope: NDArray[np.floating],
        /,
    ) -> NDArray[np.complex64]: ...
    def stage6_cell_sums(
        self,
        phasors: NDArray[np.complexfloating],
        members: NDArray[np.int64],
        starts: NDArray[np.int64],
        /,
    ) -> NDArray[np.complex64]: ...
    def stage6_nearest_node(
        self,
        node: NDArray[np.int64],
        /,
    ) -> NDArray[np.int64]: ...
    def stage6_to_points(
        self,
        phasors: NDArray[np.complexfloating],
        grid_phase: NDArray[np.floating],
        node: NDArray[np.int64],
        /,
    ) -> NDArray[np.float32]: ...
    def stage6_subtract_phase(
        self,
        phasors: NDArray[np.complexfloating],
        phase: NDArray[np.floating],
        /,
    ) -> NDArray[np.complex64]: ...
    def stage6_goldstein(
        self,
        raster: NDArray[np.complexfloating],
        window: int,
        alpha: float,
        /,
    ) -> NDArray[np.complex64]: ...
    def stage6_low_pass(
        self,
        raster: NDArray[np.complexfloating],
        window: int,
        /,
    ) -> NDArray[np.complex64]: ...
    def stage6_arc_phasors(
        self,
        phase: NDArray[np.complexfloating],
        low: NDArray[np.int64],
        high: NDArray[np.int64],
        /,
    ) -> NDArray[np.complex64]: ...
    def stage6_phase_steps(
        self,
        phasors: NDArray[np.complexfloating],
        /,
    ) -> NDArray[np.complex64]: ...
    def stage6_look_angle(
        self,
        phasors: NDArray[np.complexfloating],
        baseline: NDArray[np.floating],
        n_trial: int,
        /,
    ) -> NDArray[np.float32]: ...
    def stage6_star_smooth(
        self,
        phasors: NDArray[np.complexfloating],
        weights: NDArray[np.floating],
        intercepts: NDArray[np.floating],
        first: int,
        last: int,
        /,
    ) -> NDArray[np.float32]: ...
    def stage6_network_smooth(
        self,
        phasors: NDArray[np.complexfloating],
        operator: NDArray[np.floating],
        design: NDArray[np.floating],
        /,
    ) -> NDArray[np.float32]: ...
    def stage6_arc_noise(
        self,
        phasors: NDArray[np.complexfloating],
        smooth: NDArray[np.floating],
        limit: float,
        /,
    ) -> NDArray[np.float32]: ...
    def stage6_arc_variance(
        self,
        noise: NDArray[np.floating],
        /,
    ) -> NDArray[np.float32]: ...
    def stage6_held_smooth(
        self,
        phase: NDArray[np.floating],
        known: NDArray[np.bool],
        design: NDArray[np.floating],
        in_time: NDArray[np.floating],
        /,
    ) -> NDArray[np.float32]: ...
    def stage6_anneal(
        self,
        phasors: NDArray[np.complexfloating],
        edge: NDArray[np.int64],
        pairs: NDArray[np.int64],
        day: NDArray[np.floating],
        whitener: NDArray[np.floating],
        /,
    ) -> NDArray[np.float32]: ...
    def stage6_edge_costs(
        self,
        unwrapped: NDArray[np.floating],
        noise: NDArray[np.floating],
        variance: NDArray[np.floating],
        n_arcs: NDArray[np.int64],
        /,
    ) -> tuple[NDArray[np.int16], NDArray[np.int16]]: ...
    def stage6_cost_records(
        self,
        row_edges: NDArray[np.int64],
        col_edges: NDArray[np.int64],
        offset: NDArray[np.int16],
        sigsq: NDArray[np.int16],
        /,
    ) -> tuple[NDArray[np.int16], NDArray[np.int16]]: ...
    def stage6_solution_cost(
        self,
        turns: NDArray[np.floating],
        unwrapped: NDArray[np.floating],
        row_edges: NDArray[np.int64],
        col_edges: NDArray[np.int64],
        offset: NDArray[np.int16],
        sigsq: NDArray[np.int16],
        /,
    ) -> tuple[int, int, int]: ...
    def stage6_residues(
        self,
        turns: NDArray[np.floating],
        /,
    ) -> NDArray[np.int32]: ...
    def stage6_chains(
        self,
        row_edges: NDArray[np.int64],
        col_edges: NDArray[np.int64],
        residues: NDArray[np.int32],
        /,
    ) -> tuple[
        NDArray[np.int32],
        NDArray[np.int32],
        NDArray[np.int32],
        NDArray[np.int32],
        NDArray[np.int32],
        NDArray[np.int32],
        NDArray[np.int64],
    ]: ...
    def stage6_cheapest_flow(
        self,
        tail: NDArray[np.int32],
        head: NDArray[np.int32],
        n_arcs: NDArray[np.int32],
        offset: NDArray[np.int32],
        sigsq: NDArray[np.int32],
        supply: NDArray[np.int64],
        stop: NDArray[np.bool],
        /,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], int]: ...
    def stage6_share_free_chains(
        self,
        tail: NDArray[np.int32],
        head: NDArray[np.int32],
        n_arcs: NDArray[np.int32],
        offset: NDArray[np.int32],
        sigsq: NDArray[np.int32],
        cycles: NDArray[np.int64],
        potential: NDArray[np.int64],
        stop: NDArray[np.bool],
        /,
    ) -> NDArray[np.int64]: ...
    def stage6_network_inversion(
        self,
        phase: NDArray[np.floating],
        reference: NDArray[np.floating],
        operator: NDArray[np.floating],
        /,
    ) -> NDArray[np.float32]: ...
    def stage6_column_products(
        self,
        values: NDArray[np.floating],
        /,
    ) -> NDArray[np.float64]: ...
    def stage7_sequential_mean(
        self,
        values: NDArray[np.floating],
        /,
    ) -> float: ...
    def stage7_scla(
        self,
        phase: NDArray[np.floating],
        bperp: NDArray[np.floating],
        reference: NDArray[np.floating],
        sequence: NDArray[np.int64],
        slope_operator: NDArray[np.floating],
        fitted: NDArray[np.int64],
        offset_operator: NDArray[np.floating],
        /,
    ) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.float32]]: ...
    def stage7_scla_of_slope(
        self,
        phase: NDArray[np.floating],
        bperp: NDArray[np.floating],
        reference: NDArray[np.floating],
        slope: NDArray[np.floating],
        fitted: NDArray[np.int64],
        offset_operator: NDArray[np.floating],
        /,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]: ...
    def stage7_scla_of_pairs(
        self,
        phase: NDArray[np.floating],
        bperp: NDArray[np.floating],
        reference: NDArray[np.floating],
        pairs: NDArray[np.int64],
        slope_operator: NDArray[np.floating],
        /,
    ) -> tuple[NDArray[np.float64], NDArray[np.float32]]: ...
    def stage7_image_baselines(
        self,
        operator: NDArray[np.floating],
        bperp: NDArray[np.floating],
        /,
    ) -> NDArray[np.float32]: ...
    def stage7_scla_smooth(
        self,
        slope: NDArray[np.floating],
        offset: NDArray[np.floating],
        edges: NDArray[np.int64],
        /,
    ) -> tuple[NDArray[np.float64], NDArray[np.float32]]: ...
    def stage7_lad_fit(
        self,
        design: NDArray[np.floating],
        values: NDArray[np.floating],
        start: NDArray[np.floating],
        /,
    ) -> NDArray[np.float64]: ...
    def stage8_edge_noise(
        self,
        uw_ph: NDArray[np.complexfloating],
        node_a: NDArray[np.int64],
        node_b: NDArray[np.int64],
        /,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]: ...
    def stage8_temporal_highpass(
        self,
        phase: NDArray[np.floating],
        weights: NDArray[np.floating],
        origin: NDArray[np.floating],
        /,
    ) -> NDArray[np.float64]: ...
    def stage8_spatial_lowpass(
        self,
        phase: NDArray[np.floating],
        xy: NDArray[np.floating],
        order: NDArray[np.int64],
        cells: NDArray[np.int64],
        starts: NDArray[np.int64],
        width: int,
        sigma: float,
        first: int,
        stop: int,
        /,
    ) -> NDArray[np.float64]: ...
    def stage8_series_variograms(
        self,
        series: NDArray[np.floating],
        first: NDArray[np.int64],
        second: NDArray[np.int64],
        starts: NDArray[np.int64],
        /,
    ) -> NDArray[np.float64]: ...
    def stage8_spatial_variogram(
        self,
        xy: NDArray[np.floating],
        values: NDArray[np.floating],
        width: float,
        n_bin: int,
        first: int,
        stop: int,
        /,
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]: ...
    def stage8_fit_variograms(
        self,
        lags: NDArray[np.floating],
        semivariance: NDArray[np.floating],
        indifferent: float,
        /,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
    def stage8_krig_time(
        self,
        series: NDArray[np.floating],
        model: NDArray[np.floating],
        distance: NDArray[np.floating],
        order: NDArray[np.int64],
        n_most: int,
        /,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
    def stage8_krig_space(
        self,
        values: NDArray[np.floating],
        xy: NDArray[np.floating],
        model: NDArray[np.floating],
        targets: NDArray[np.int64],
        neighbours: NDArray[np.int64],
        /,
    ) -> NDArray[np.float64]: ...
    def stage8_velocity_fit(
        self,
        operator: NDArray[np.floating],
        phase: NDArray[np.floating],
        reference: NDArray[np.floating],
        /,
    ) -> NDArray[np.float64]: ...
