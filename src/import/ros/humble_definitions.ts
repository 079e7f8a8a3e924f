/**
 * Definitions of the messages that come with ROS 2 Humble, for recordings that carry none. Generated from
 * @foxglove/rosmsg-msgs-common 3.2.3 (MIT), which took them from the packages of ROS 2 (Apache-2.0, BSD-3-Clause); comments
 * are left out.
 *
 * @module
 */

/** By type, as `std_msgs/Header`: constants and fields, a line each. */
export const HUMBLE_DEFINITIONS: Readonly<Record<string, string>> = {
  "action_msgs/GoalInfo": "unique_identifier_msgs/UUID goal_id\nbuiltin_interfaces/Time stamp",
  "action_msgs/GoalStatus":
    "int8 STATUS_UNKNOWN=0\nint8 STATUS_ACCEPTED=1\nint8 STATUS_EXECUTING=2\nint8 STATUS_CANCELING=3\nint8 STATUS_SUCCEEDED=4\nint8 STATUS_CANCELED=5\nint8 STATUS_ABORTED=6\naction_msgs/GoalInfo goal_info\nint8 status",
  "action_msgs/GoalStatusArray": "action_msgs/GoalStatus[] status_list",
  "actionlib_msgs/GoalID": "builtin_interfaces/Time stamp\nstring id",
  "actionlib_msgs/GoalStatus":
    "actionlib_msgs/GoalID goal_id\nuint8 status\nuint8 PENDING=0\nuint8 ACTIVE=1\nuint8 PREEMPTED=2\nuint8 SUCCEEDED=3\nuint8 ABORTED=4\nuint8 REJECTED=5\nuint8 PREEMPTING=6\nuint8 RECALLING=7\nuint8 RECALLED=8\nuint8 LOST=9\nstring text",
  "actionlib_msgs/GoalStatusArray": "std_msgs/Header header\nactionlib_msgs/GoalStatus[] status_list",
  "builtin_interfaces/Duration": "int32 sec\nuint32 nanosec",
  "builtin_interfaces/Time": "int32 sec\nuint32 nanosec",
  "diagnostic_msgs/DiagnosticArray": "std_msgs/Header header\ndiagnostic_msgs/DiagnosticStatus[] status",
  "diagnostic_msgs/DiagnosticStatus":
    "uint8 OK=0\nuint8 WARN=1\nuint8 ERROR=2\nuint8 STALE=3\nuint8 level\nstring name\nstring message\nstring hardware_id\ndiagnostic_msgs/KeyValue[] values",
  "diagnostic_msgs/KeyValue": "string key\nstring value",
  "geometry_msgs/Accel": "geometry_msgs/Vector3 linear\ngeometry_msgs/Vector3 angular",
  "geometry_msgs/AccelStamped": "std_msgs/Header header\ngeometry_msgs/Accel accel",
  "geometry_msgs/AccelWithCovariance": "geometry_msgs/Accel accel\nfloat64[36] covariance",
  "geometry_msgs/AccelWithCovarianceStamped":
    "std_msgs/Header header\ngeometry_msgs/AccelWithCovariance accel",
  "geometry_msgs/Inertia":
    "float64 m\ngeometry_msgs/Vector3 com\nfloat64 ixx\nfloat64 ixy\nfloat64 ixz\nfloat64 iyy\nfloat64 iyz\nfloat64 izz",
  "geometry_msgs/InertiaStamped": "std_msgs/Header header\ngeometry_msgs/Inertia inertia",
  "geometry_msgs/Point": "float64 x\nfloat64 y\nfloat64 z",
  "geometry_msgs/Point32": "float32 x\nfloat32 y\nfloat32 z",
  "geometry_msgs/PointStamped": "std_msgs/Header header\ngeometry_msgs/Point point",
  "geometry_msgs/Polygon": "geometry_msgs/Point32[] points",
  "geometry_msgs/PolygonStamped": "std_msgs/Header header\ngeometry_msgs/Polygon polygon",
  "geometry_msgs/Pose": "geometry_msgs/Point position\ngeometry_msgs/Quaternion orientation",
  "geometry_msgs/Pose2D": "float64 x\nfloat64 y\nfloat64 theta",
  "geometry_msgs/PoseArray": "std_msgs/Header header\ngeometry_msgs/Pose[] poses",
  "geometry_msgs/PoseStamped": "std_msgs/Header header\ngeometry_msgs/Pose pose",
  "geometry_msgs/PoseWithCovariance": "geometry_msgs/Pose pose\nfloat64[36] covariance",
  "geometry_msgs/PoseWithCovarianceStamped": "std_msgs/Header header\ngeometry_msgs/PoseWithCovariance pose",
  "geometry_msgs/Quaternion": "float64 x 0\nfloat64 y 0\nfloat64 z 0\nfloat64 w 1",
  "geometry_msgs/QuaternionStamped": "std_msgs/Header header\ngeometry_msgs/Quaternion quaternion",
  "geometry_msgs/Transform": "geometry_msgs/Vector3 translation\ngeometry_msgs/Quaternion rotation",
  "geometry_msgs/TransformStamped":
    "std_msgs/Header header\nstring child_frame_id\ngeometry_msgs/Transform transform",
  "geometry_msgs/Twist": "geometry_msgs/Vector3 linear\ngeometry_msgs/Vector3 angular",
  "geometry_msgs/TwistStamped": "std_msgs/Header header\ngeometry_msgs/Twist twist",
  "geometry_msgs/TwistWithCovariance": "geometry_msgs/Twist twist\nfloat64[36] covariance",
  "geometry_msgs/TwistWithCovarianceStamped":
    "std_msgs/Header header\ngeometry_msgs/TwistWithCovariance twist",
  "geometry_msgs/Vector3": "float64 x\nfloat64 y\nfloat64 z",
  "geometry_msgs/Vector3Stamped": "std_msgs/Header header\ngeometry_msgs/Vector3 vector",
  "geometry_msgs/Wrench": "geometry_msgs/Vector3 force\ngeometry_msgs/Vector3 torque",
  "geometry_msgs/WrenchStamped": "std_msgs/Header header\ngeometry_msgs/Wrench wrench",
  "lifecycle_msgs/State":
    "uint8 PRIMARY_STATE_UNKNOWN=0\nuint8 PRIMARY_STATE_UNCONFIGURED=1\nuint8 PRIMARY_STATE_INACTIVE=2\nuint8 PRIMARY_STATE_ACTIVE=3\nuint8 PRIMARY_STATE_FINALIZED=4\nuint8 TRANSITION_STATE_CONFIGURING=10\nuint8 TRANSITION_STATE_CLEANINGUP=11\nuint8 TRANSITION_STATE_SHUTTINGDOWN=12\nuint8 TRANSITION_STATE_ACTIVATING=13\nuint8 TRANSITION_STATE_DEACTIVATING=14\nuint8 TRANSITION_STATE_ERRORPROCESSING=15\nuint8 id\nstring label",
  "lifecycle_msgs/Transition":
    "uint8 TRANSITION_CREATE=0\nuint8 TRANSITION_CONFIGURE=1\nuint8 TRANSITION_CLEANUP=2\nuint8 TRANSITION_ACTIVATE=3\nuint8 TRANSITION_DEACTIVATE=4\nuint8 TRANSITION_UNCONFIGURED_SHUTDOWN=5\nuint8 TRANSITION_INACTIVE_SHUTDOWN=6\nuint8 TRANSITION_ACTIVE_SHUTDOWN=7\nuint8 TRANSITION_DESTROY=8\nuint8 TRANSITION_ON_CONFIGURE_SUCCESS=10\nuint8 TRANSITION_ON_CONFIGURE_FAILURE=11\nuint8 TRANSITION_ON_CONFIGURE_ERROR=12\nuint8 TRANSITION_ON_CLEANUP_SUCCESS=20\nuint8 TRANSITION_ON_CLEANUP_FAILURE=21\nuint8 TRANSITION_ON_CLEANUP_ERROR=22\nuint8 TRANSITION_ON_ACTIVATE_SUCCESS=30\nuint8 TRANSITION_ON_ACTIVATE_FAILURE=31\nuint8 TRANSITION_ON_ACTIVATE_ERROR=32\nuint8 TRANSITION_ON_DEACTIVATE_SUCCESS=40\nuint8 TRANSITION_ON_DEACTIVATE_FAILURE=41\nuint8 TRANSITION_ON_DEACTIVATE_ERROR=42\nuint8 TRANSITION_ON_SHUTDOWN_SUCCESS=50\nuint8 TRANSITION_ON_SHUTDOWN_FAILURE=51\nuint8 TRANSITION_ON_SHUTDOWN_ERROR=52\nuint8 TRANSITION_ON_ERROR_SUCCESS=60\nuint8 TRANSITION_ON_ERROR_FAILURE=61\nuint8 TRANSITION_ON_ERROR_ERROR=62\nuint8 TRANSITION_CALLBACK_SUCCESS=97\nuint8 TRANSITION_CALLBACK_FAILURE=98\nuint8 TRANSITION_CALLBACK_ERROR=99\nuint8 id\nstring label",
  "lifecycle_msgs/TransitionDescription":
    "lifecycle_msgs/Transition transition\nlifecycle_msgs/State start_state\nlifecycle_msgs/State goal_state",
  "lifecycle_msgs/TransitionEvent":
    "uint64 timestamp\nlifecycle_msgs/Transition transition\nlifecycle_msgs/State start_state\nlifecycle_msgs/State goal_state",
  "nav_msgs/GridCells":
    "std_msgs/Header header\nfloat32 cell_width\nfloat32 cell_height\ngeometry_msgs/Point[] cells",
  "nav_msgs/MapMetaData":
    "builtin_interfaces/Time map_load_time\nfloat32 resolution\nuint32 width\nuint32 height\ngeometry_msgs/Pose origin",
  "nav_msgs/OccupancyGrid": "std_msgs/Header header\nnav_msgs/MapMetaData info\nint8[] data",
  "nav_msgs/Odometry":
    "std_msgs/Header header\nstring child_frame_id\ngeometry_msgs/PoseWithCovariance pose\ngeometry_msgs/TwistWithCovariance twist",
  "nav_msgs/Path": "std_msgs/Header header\ngeometry_msgs/PoseStamped[] poses",
  "rcl_interfaces/FloatingPointRange": "float64 from_value\nfloat64 to_value\nfloat64 step",
  "rcl_interfaces/IntegerRange": "int64 from_value\nint64 to_value\nuint64 step",
  "rcl_interfaces/ListParametersResult": "string[] names\nstring[] prefixes",
  "rcl_interfaces/Log":
    "uint8 DEBUG=10\nuint8 INFO=20\nuint8 WARN=30\nuint8 ERROR=40\nuint8 FATAL=50\nbuiltin_interfaces/Time stamp\nuint8 level\nstring name\nstring msg\nstring file\nstring function\nuint32 line",
  "rcl_interfaces/Parameter": "string name\nrcl_interfaces/ParameterValue value",
  "rcl_interfaces/ParameterDescriptor":
    "string name\nuint8 type\nstring description\nstring additional_constraints\nbool read_only false\nbool dynamic_typing false\nrcl_interfaces/FloatingPointRange[<=1] floating_point_range\nrcl_interfaces/IntegerRange[<=1] integer_range",
  "rcl_interfaces/ParameterEvent":
    "builtin_interfaces/Time stamp\nstring node\nrcl_interfaces/Parameter[] new_parameters\nrcl_interfaces/Parameter[] changed_parameters\nrcl_interfaces/Parameter[] deleted_parameters",
  "rcl_interfaces/ParameterEventDescriptors":
    "rcl_interfaces/ParameterDescriptor[] new_parameters\nrcl_interfaces/ParameterDescriptor[] changed_parameters\nrcl_interfaces/ParameterDescriptor[] deleted_parameters",
  "rcl_interfaces/ParameterType":
    "uint8 PARAMETER_NOT_SET=0\nuint8 PARAMETER_BOOL=1\nuint8 PARAMETER_INTEGER=2\nuint8 PARAMETER_DOUBLE=3\nuint8 PARAMETER_STRING=4\nuint8 PARAMETER_BYTE_ARRAY=5\nuint8 PARAMETER_BOOL_ARRAY=6\nuint8 PARAMETER_INTEGER_ARRAY=7\nuint8 PARAMETER_DOUBLE_ARRAY=8\nuint8 PARAMETER_STRING_ARRAY=9",
  "rcl_interfaces/ParameterValue":
    "uint8 type\nbool bool_value\nint64 integer_value\nfloat64 double_value\nstring string_value\nuint8[] byte_array_value\nbool[] bool_array_value\nint64[] integer_array_value\nfloat64[] double_array_value\nstring[] string_array_value",
  "rcl_interfaces/SetParametersResult": "bool successful\nstring reason",
  "rosgraph_msgs/Clock": "builtin_interfaces/Time clock",
  "sensor_msgs/BatteryState":
    "uint8 POWER_SUPPLY_STATUS_UNKNOWN=0\nuint8 POWER_SUPPLY_STATUS_CHARGING=1\nuint8 POWER_SUPPLY_STATUS_DISCHARGING=2\nuint8 POWER_SUPPLY_STATUS_NOT_CHARGING=3\nuint8 POWER_SUPPLY_STATUS_FULL=4\nuint8 POWER_SUPPLY_HEALTH_UNKNOWN=0\nuint8 POWER_SUPPLY_HEALTH_GOOD=1\nuint8 POWER_SUPPLY_HEALTH_OVERHEAT=2\nuint8 POWER_SUPPLY_HEALTH_DEAD=3\nuint8 POWER_SUPPLY_HEALTH_OVERVOLTAGE=4\nuint8 POWER_SUPPLY_HEALTH_UNSPEC_FAILURE=5\nuint8 POWER_SUPPLY_HEALTH_COLD=6\nuint8 POWER_SUPPLY_HEALTH_WATCHDOG_TIMER_EXPIRE=7\nuint8 POWER_SUPPLY_HEALTH_SAFETY_TIMER_EXPIRE=8\nuint8 POWER_SUPPLY_TECHNOLOGY_UNKNOWN=0\nuint8 POWER_SUPPLY_TECHNOLOGY_NIMH=1\nuint8 POWER_SUPPLY_TECHNOLOGY_LION=2\nuint8 POWER_SUPPLY_TECHNOLOGY_LIPO=3\nuint8 POWER_SUPPLY_TECHNOLOGY_LIFE=4\nuint8 POWER_SUPPLY_TECHNOLOGY_NICD=5\nuint8 POWER_SUPPLY_TECHNOLOGY_LIMN=6\nstd_msgs/Header header\nfloat32 voltage\nfloat32 temperature\nfloat32 current\nfloat32 charge\nfloat32 capacity\nfloat32 design_capacity\nfloat32 percentage\nuint8 power_supply_status\nuint8 power_supply_health\nuint8 power_supply_technology\nbool present\nfloat32[] cell_voltage\nfloat32[] cell_temperature\nstring location\nstring serial_number",
  "sensor_msgs/CameraInfo":
    "std_msgs/Header header\nuint32 height\nuint32 width\nstring distortion_model\nfloat64[] d\nfloat64[9] k\nfloat64[9] r\nfloat64[12] p\nuint32 binning_x\nuint32 binning_y\nsensor_msgs/RegionOfInterest roi",
  "sensor_msgs/ChannelFloat32": "string name\nfloat32[] values",
  "sensor_msgs/CompressedImage": "std_msgs/Header header\nstring format\nuint8[] data",
  "sensor_msgs/FluidPressure": "std_msgs/Header header\nfloat64 fluid_pressure\nfloat64 variance",
  "sensor_msgs/Illuminance": "std_msgs/Header header\nfloat64 illuminance\nfloat64 variance",
  "sensor_msgs/Image":
    "std_msgs/Header header\nuint32 height\nuint32 width\nstring encoding\nuint8 is_bigendian\nuint32 step\nuint8[] data",
  "sensor_msgs/Imu":
    "std_msgs/Header header\ngeometry_msgs/Quaternion orientation\nfloat64[9] orientation_covariance\ngeometry_msgs/Vector3 angular_velocity\nfloat64[9] angular_velocity_covariance\ngeometry_msgs/Vector3 linear_acceleration\nfloat64[9] linear_acceleration_covariance",
  "sensor_msgs/JointState":
    "std_msgs/Header header\nstring[] name\nfloat64[] position\nfloat64[] velocity\nfloat64[] effort",
  "sensor_msgs/Joy": "std_msgs/Header header\nfloat32[] axes\nint32[] buttons",
  "sensor_msgs/JoyFeedback":
    "uint8 TYPE_LED=0\nuint8 TYPE_RUMBLE=1\nuint8 TYPE_BUZZER=2\nuint8 type\nuint8 id\nfloat32 intensity",
  "sensor_msgs/JoyFeedbackArray": "sensor_msgs/JoyFeedback[] array",
  "sensor_msgs/LaserEcho": "float32[] echoes",
  "sensor_msgs/LaserScan":
    "std_msgs/Header header\nfloat32 angle_min\nfloat32 angle_max\nfloat32 angle_increment\nfloat32 time_increment\nfloat32 scan_time\nfloat32 range_min\nfloat32 range_max\nfloat32[] ranges\nfloat32[] intensities",
  "sensor_msgs/MagneticField":
    "std_msgs/Header header\ngeometry_msgs/Vector3 magnetic_field\nfloat64[9] magnetic_field_covariance",
  "sensor_msgs/MultiDOFJointState":
    "std_msgs/Header header\nstring[] joint_names\ngeometry_msgs/Transform[] transforms\ngeometry_msgs/Twist[] twist\ngeometry_msgs/Wrench[] wrench",
  "sensor_msgs/MultiEchoLaserScan":
    "std_msgs/Header header\nfloat32 angle_min\nfloat32 angle_max\nfloat32 angle_increment\nfloat32 time_increment\nfloat32 scan_time\nfloat32 range_min\nfloat32 range_max\nsensor_msgs/LaserEcho[] ranges\nsensor_msgs/LaserEcho[] intensities",
  "sensor_msgs/NavSatFix":
    "std_msgs/Header header\nsensor_msgs/NavSatStatus status\nfloat64 latitude\nfloat64 longitude\nfloat64 altitude\nfloat64[9] position_covariance\nuint8 COVARIANCE_TYPE_UNKNOWN=0\nuint8 COVARIANCE_TYPE_APPROXIMATED=1\nuint8 COVARIANCE_TYPE_DIAGONAL_KNOWN=2\nuint8 COVARIANCE_TYPE_KNOWN=3\nuint8 position_covariance_type",
  "sensor_msgs/NavSatStatus":
    "int8 STATUS_NO_FIX=-1\nint8 STATUS_FIX=0\nint8 STATUS_SBAS_FIX=1\nint8 STATUS_GBAS_FIX=2\nint8 status\nuint16 SERVICE_GPS=1\nuint16 SERVICE_GLONASS=2\nuint16 SERVICE_COMPASS=4\nuint16 SERVICE_GALILEO=8\nuint16 service",
  "sensor_msgs/PointCloud":
    "std_msgs/Header header\ngeometry_msgs/Point32[] points\nsensor_msgs/ChannelFloat32[] channels",
  "sensor_msgs/PointCloud2":
    "std_msgs/Header header\nuint32 height\nuint32 width\nsensor_msgs/PointField[] fields\nbool is_bigendian\nuint32 point_step\nuint32 row_step\nuint8[] data\nbool is_dense",
  "sensor_msgs/PointField":
    "uint8 INT8=1\nuint8 UINT8=2\nuint8 INT16=3\nuint8 UINT16=4\nuint8 INT32=5\nuint8 UINT32=6\nuint8 FLOAT32=7\nuint8 FLOAT64=8\nstring name\nuint32 offset\nuint8 datatype\nuint32 count",
  "sensor_msgs/Range":
    "std_msgs/Header header\nuint8 ULTRASOUND=0\nuint8 INFRARED=1\nuint8 radiation_type\nfloat32 field_of_view\nfloat32 min_range\nfloat32 max_range\nfloat32 range",
  "sensor_msgs/RegionOfInterest":
    "uint32 x_offset\nuint32 y_offset\nuint32 height\nuint32 width\nbool do_rectify",
  "sensor_msgs/RelativeHumidity": "std_msgs/Header header\nfloat64 relative_humidity\nfloat64 variance",
  "sensor_msgs/Temperature": "std_msgs/Header header\nfloat64 temperature\nfloat64 variance",
  "sensor_msgs/TimeReference": "std_msgs/Header header\nbuiltin_interfaces/Time time_ref\nstring source",
  "shape_msgs/Mesh": "shape_msgs/MeshTriangle[] triangles\ngeometry_msgs/Point[] vertices",
  "shape_msgs/MeshTriangle": "uint32[3] vertex_indices",
  "shape_msgs/Plane": "float64[4] coef",
  "shape_msgs/SolidPrimitive":
    "uint8 BOX=1\nuint8 SPHERE=2\nuint8 CYLINDER=3\nuint8 CONE=4\nuint8 PRISM=5\nuint8 type\nfloat64[<=3] dimensions\nuint8 BOX_X=0\nuint8 BOX_Y=1\nuint8 BOX_Z=2\nuint8 SPHERE_RADIUS=0\nuint8 CYLINDER_HEIGHT=0\nuint8 CYLINDER_RADIUS=1\nuint8 CONE_HEIGHT=0\nuint8 CONE_RADIUS=1\nuint8 PRISM_HEIGHT=0\ngeometry_msgs/Polygon polygon",
  "statistics_msgs/MetricsMessage":
    "string measurement_source_name\nstring metrics_source\nstring unit\nbuiltin_interfaces/Time window_start\nbuiltin_interfaces/Time window_stop\nstatistics_msgs/StatisticDataPoint[] statistics",
  "statistics_msgs/StatisticDataPoint": "uint8 data_type\nfloat64 data",
  "statistics_msgs/StatisticDataType":
    "uint8 STATISTICS_DATA_TYPE_UNINITIALIZED=0\nuint8 STATISTICS_DATA_TYPE_AVERAGE=1\nuint8 STATISTICS_DATA_TYPE_MINIMUM=2\nuint8 STATISTICS_DATA_TYPE_MAXIMUM=3\nuint8 STATISTICS_DATA_TYPE_STDDEV=4\nuint8 STATISTICS_DATA_TYPE_SAMPLE_COUNT=5",
  "std_msgs/Bool": "bool data",
  "std_msgs/Byte": "uint8 data",
  "std_msgs/ByteMultiArray": "std_msgs/MultiArrayLayout layout\nuint8[] data",
  "std_msgs/Char": "uint8 data",
  "std_msgs/ColorRGBA": "float32 r\nfloat32 g\nfloat32 b\nfloat32 a",
  "std_msgs/Empty": "",
  "std_msgs/Float32": "float32 data",
  "std_msgs/Float32MultiArray": "std_msgs/MultiArrayLayout layout\nfloat32[] data",
  "std_msgs/Float64": "float64 data",
  "std_msgs/Float64MultiArray": "std_msgs/MultiArrayLayout layout\nfloat64[] data",
  "std_msgs/Header": "builtin_interfaces/Time stamp\nstring frame_id",
  "std_msgs/Int16": "int16 data",
  "std_msgs/Int16MultiArray": "std_msgs/MultiArrayLayout layout\nint16[] data",
  "std_msgs/Int32": "int32 data",
  "std_msgs/Int32MultiArray": "std_msgs/MultiArrayLayout layout\nint32[] data",
  "std_msgs/Int64": "int64 data",
  "std_msgs/Int64MultiArray": "std_msgs/MultiArrayLayout layout\nint64[] data",
  "std_msgs/Int8": "int8 data",
  "std_msgs/Int8MultiArray": "std_msgs/MultiArrayLayout layout\nint8[] data",
  "std_msgs/MultiArrayDimension": "string label\nuint32 size\nuint32 stride",
  "std_msgs/MultiArrayLayout": "std_msgs/MultiArrayDimension[] dim\nuint32 data_offset",
  "std_msgs/String": "string data",
  "std_msgs/UInt16": "uint16 data",
  "std_msgs/UInt16MultiArray": "std_msgs/MultiArrayLayout layout\nuint16[] data",
  "std_msgs/UInt32": "uint32 data",
  "std_msgs/UInt32MultiArray": "std_msgs/MultiArrayLayout layout\nuint32[] data",
  "std_msgs/UInt64": "uint64 data",
  "std_msgs/UInt64MultiArray": "std_msgs/MultiArrayLayout layout\nuint64[] data",
  "std_msgs/UInt8": "uint8 data",
  "std_msgs/UInt8MultiArray": "std_msgs/MultiArrayLayout layout\nuint8[] data",
  "stereo_msgs/DisparityImage":
    "std_msgs/Header header\nsensor_msgs/Image image\nfloat32 f\nfloat32 t\nsensor_msgs/RegionOfInterest valid_window\nfloat32 min_disparity\nfloat32 max_disparity\nfloat32 delta_d",
  "tf2_msgs/TF2Error":
    "uint8 NO_ERROR=0\nuint8 LOOKUP_ERROR=1\nuint8 CONNECTIVITY_ERROR=2\nuint8 EXTRAPOLATION_ERROR=3\nuint8 INVALID_ARGUMENT_ERROR=4\nuint8 TIMEOUT_ERROR=5\nuint8 TRANSFORM_ERROR=6\nuint8 error\nstring error_string",
  "tf2_msgs/TFMessage": "geometry_msgs/TransformStamped[] transforms",
  "trajectory_msgs/JointTrajectory":
    "std_msgs/Header header\nstring[] joint_names\ntrajectory_msgs/JointTrajectoryPoint[] points",
  "trajectory_msgs/JointTrajectoryPoint":
    "float64[] positions\nfloat64[] velocities\nfloat64[] accelerations\nfloat64[] effort\nbuiltin_interfaces/Duration time_from_start",
  "trajectory_msgs/MultiDOFJointTrajectory":
    "std_msgs/Header header\nstring[] joint_names\ntrajectory_msgs/MultiDOFJointTrajectoryPoint[] points",
  "trajectory_msgs/MultiDOFJointTrajectoryPoint":
    "geometry_msgs/Transform[] transforms\ngeometry_msgs/Twist[] velocities\ngeometry_msgs/Twist[] accelerations\nbuiltin_interfaces/Duration time_from_start",
  "unique_identifier_msgs/UUID": "uint8[16] uuid",
  "visualization_msgs/ImageMarker":
    "int32 CIRCLE=0\nint32 LINE_STRIP=1\nint32 LINE_LIST=2\nint32 POLYGON=3\nint32 POINTS=4\nint32 ADD=0\nint32 REMOVE=1\nstd_msgs/Header header\nstring ns\nint32 id\nint32 type\nint32 action\ngeometry_msgs/Point position\nfloat32 scale\nstd_msgs/ColorRGBA outline_color\nuint8 filled\nstd_msgs/ColorRGBA fill_color\nbuiltin_interfaces/Duration lifetime\ngeometry_msgs/Point[] points\nstd_msgs/ColorRGBA[] outline_colors",
  "visualization_msgs/InteractiveMarker":
    "std_msgs/Header header\ngeometry_msgs/Pose pose\nstring name\nstring description\nfloat32 scale\nvisualization_msgs/MenuEntry[] menu_entries\nvisualization_msgs/InteractiveMarkerControl[] controls",
  "visualization_msgs/InteractiveMarkerControl":
    "string name\ngeometry_msgs/Quaternion orientation\nuint8 INHERIT=0\nuint8 FIXED=1\nuint8 VIEW_FACING=2\nuint8 orientation_mode\nuint8 NONE=0\nuint8 MENU=1\nuint8 BUTTON=2\nuint8 MOVE_AXIS=3\nuint8 MOVE_PLANE=4\nuint8 ROTATE_AXIS=5\nuint8 MOVE_ROTATE=6\nuint8 MOVE_3D=7\nuint8 ROTATE_3D=8\nuint8 MOVE_ROTATE_3D=9\nuint8 interaction_mode\nbool always_visible\nvisualization_msgs/Marker[] markers\nbool independent_marker_orientation\nstring description",
  "visualization_msgs/InteractiveMarkerFeedback":
    "std_msgs/Header header\nstring client_id\nstring marker_name\nstring control_name\nuint8 KEEP_ALIVE=0\nuint8 POSE_UPDATE=1\nuint8 MENU_SELECT=2\nuint8 BUTTON_CLICK=3\nuint8 MOUSE_DOWN=4\nuint8 MOUSE_UP=5\nuint8 event_type\ngeometry_msgs/Pose pose\nuint32 menu_entry_id\ngeometry_msgs/Point mouse_point\nbool mouse_point_valid",
  "visualization_msgs/InteractiveMarkerInit":
    "string server_id\nuint64 seq_num\nvisualization_msgs/InteractiveMarker[] markers",
  "visualization_msgs/InteractiveMarkerPose": "std_msgs/Header header\ngeometry_msgs/Pose pose\nstring name",
  "visualization_msgs/InteractiveMarkerUpdate":
    "string server_id\nuint64 seq_num\nuint8 KEEP_ALIVE=0\nuint8 UPDATE=1\nuint8 type\nvisualization_msgs/InteractiveMarker[] markers\nvisualization_msgs/InteractiveMarkerPose[] poses\nstring[] erases",
  "visualization_msgs/Marker":
    "int32 ARROW=0\nint32 CUBE=1\nint32 SPHERE=2\nint32 CYLINDER=3\nint32 LINE_STRIP=4\nint32 LINE_LIST=5\nint32 CUBE_LIST=6\nint32 SPHERE_LIST=7\nint32 POINTS=8\nint32 TEXT_VIEW_FACING=9\nint32 MESH_RESOURCE=10\nint32 TRIANGLE_LIST=11\nint32 ADD=0\nint32 MODIFY=0\nint32 DELETE=2\nint32 DELETEALL=3\nstd_msgs/Header header\nstring ns\nint32 id\nint32 type\nint32 action\ngeometry_msgs/Pose pose\ngeometry_msgs/Vector3 scale\nstd_msgs/ColorRGBA color\nbuiltin_interfaces/Duration lifetime\nbool frame_locked\ngeometry_msgs/Point[] points\nstd_msgs/ColorRGBA[] colors\nstring texture_resource\nsensor_msgs/CompressedImage texture\nvisualization_msgs/UVCoordinate[] uv_coordinates\nstring text\nstring mesh_resource\nvisualization_msgs/MeshFile mesh_file\nbool mesh_use_embedded_materials",
  "visualization_msgs/MarkerArray": "visualization_msgs/Marker[] markers",
  "visualization_msgs/MenuEntry":
    "uint32 id\nuint32 parent_id\nstring title\nstring command\nuint8 FEEDBACK=0\nuint8 ROSRUN=1\nuint8 ROSLAUNCH=2\nuint8 command_type",
  "visualization_msgs/MeshFile": "string filename\nuint8[] data",
  "visualization_msgs/UVCoordinate": "float32 u\nfloat32 v",
};
