<?php
/**
 * Plugin Name: spamguard host
 * Description: Sends the Akismet plugin's requests to your own spamguard server, and nowhere else.
 *
 * Copy this file to wp-content/mu-plugins/ and set the server's address in wp-config.php:
 *
 *     define( 'SPAMGUARD_HOST', 'http://127.0.0.1:8137' );
 */

add_filter(
	'pre_http_request',
	function ( $answer, $arguments, $url ) {
		$akismet = '#^https?://(?:[a-z0-9-]+\.)?rest\.akismet\.com(?::\d+)?(/.*)$#i';
		if ( ! preg_match( $akismet, $url, $parts ) ) {
			return $answer;
		}
		if ( ! defined( 'SPAMGUARD_HOST' ) ) {
			return new WP_Error( 'spamguard', 'SPAMGUARD_HOST is missing in wp-config.php.' );
		}
		unset( $arguments['headers']['Host'] ); // it names Akismet's host
		return wp_remote_request( rtrim( SPAMGUARD_HOST, '/' ) . $parts[1], $arguments );
	},
	10,
	3
);
