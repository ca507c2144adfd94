"""What the processing parameters are changed for: one line each, ``name | when and to what``."""

_TABLE = """
small_baseline_flag | never in a dataset with results: it says which kind of stack the files are
insar_processor | when stage 1 reads the files of another program than they come from
max_topo_err | larger, up to 50 m, with a coarse or old DEM or with buildings; smaller if many random points pass
quick_est_gamma_flag | n, the accurate estimation of StaMPS, is not available
select_reest_gamma_flag | n saves time; points then keep the coherence of stage 2
filter_grid_size | smaller than the distance over which atmosphere and motion change; a few candidates per cell
filter_weighting | SNR to weight by signal to noise instead of the probability of being a PS
gamma_change_convergence | smaller for more iterations, where points at the edge of selection matter
gamma_max_iterations | larger if stage 2 ends at this number and the change of gamma still falls
slc_osf | the factor by which the SLCs were oversampled; neighbours are then not independent
clap_win | smaller for small patches and fast changing phase, larger for few candidates; a multiple of 8
clap_low_pass_wavelength | smaller if motion changes within less than this distance, or it is filtered out
clap_alpha | larger to trust the adaptive part of the filter more
clap_beta | larger to let more of the adaptive part through; noise comes with it
select_method | PERCENT to limit the share of random points instead of their density
density_rand | smaller, 1 to 5, for fewer random points; larger in vegetation, where few PS are left
percent_rand | smaller, 1 to 10, for fewer random points, with select_method PERCENT
gamma_stdev_reject | above 0 to drop points whose coherence is not certain; slow
weed_time_win | shorter if motion is not steady in time, or it counts as noise
weed_max_noise | a number, as 2, to drop points with a single very noisy interferogram
weed_standard_dev | smaller, 0.6 to 0.8, for fewer and cleaner PS; larger, 1.2, where few are left
weed_zero_elevation | y to drop points on the sea
weed_neighbours | y where side lobes of bright reflectors make clusters of equal points
unwrap_method | 2D to unwrap each interferogram alone; 3D_FULL to judge arcs by all pairs of images, which is slower
unwrap_patch_phase | y to unwrap the filtered phase of stage 3, for very noisy points
drop_ifg_index | to leave out interferograms that are noisy or cannot be unwrapped
unwrap_la_error_flag | n if the DEM is good and stage 6 has to be fast
unwrap_spatial_cost_func_flag | y is not available
unwrap_prefilter_flag | n to unwrap every point, where points are few and motion is local
unwrap_grid_size | about the distance between PS: larger in sparse scenes, smaller for local motion; finer is slower
unwrap_gold_n_win | smaller for local motion, larger for noisy phase; even
unwrap_alpha | never: nothing reads it
unwrap_time_win | shorter for motion that is not steady in time, longer to suppress noise
unwrap_gold_alpha | larger, up to 1, to filter more before unwrapping
unwrap_hold_good_values | y in a second pass of small baselines, to keep what closes around loops
scla_drop_index | to leave badly unwrapped images out of the fit, then unwrap again
scn_wavelength | larger if the atmosphere left in the velocities is smooth; smaller if motion is filtered out
scn_time_win | shorter than the motion of interest, longer than the atmosphere of a date
scn_deramp_ifg | the dates with orbital ramps, or all
scn_kriging_flag | y where the Gaussian filter leaves atmosphere of many scales
ref_lon | to an area that is known to be stable
ref_lat | to an area that is known to be stable
ref_centre_lonlat | with ref_radius, to a point that is known to be stable
ref_radius | the size of the stable area around ref_centre_lonlat, some hundred metres
ref_velocity | the known velocity of the reference area; exports of StaMPS alone add it
n_cores | never here: ranks and threads are said at the start of a run
plot_dem_posting | for StaMPS' own pictures
plot_scatterer_size | for StaMPS' own pictures
plot_pixels_scatterer | for StaMPS' own pictures
plot_color_scheme | for StaMPS' own pictures
shade_rel_angle | for StaMPS' own pictures
lonlat_offset | for StaMPS' own pictures, where the geocoding is off
merge_resample_size | above 0, as 100, to thin dense points before unwrapping
merge_standard_dev | smaller to keep only resampled points that agree inside
scla_method | L1 if unwrapping errors spoil the fit
scla_deramp | y where orbits leave planes, mostly with few or old orbits
lambda | if stage 1 found none or a wrong one in the files of the processor
heading | if stage 1 found none or a wrong one; it turns the local frame
sb_scla_drop_index | to leave badly unwrapped pairs out of the fit, then unwrap again
subtr_tropo | y if TRAIN has estimated the troposphere of these points
tropo_method | to the estimate that is to be subtracted: a_linear, a_erai, a_gacos, a_era5
platform | ENVISAT to take the drift of its oscillator off in values and velocities shown
ref_x | to give the reference area in local metres, with ref_y
ref_y | to give the reference area in local metres, with ref_x
krig_atmo | never here: another version of StaMPS reads it
"""  # noqa: E501

ADVICE: dict[str, str] = {
    name.strip(): text.strip()
    for name, text in (line.split("|") for line in _TABLE.strip().splitlines())
}
"""Name of a parameter -> what it is changed for."""
